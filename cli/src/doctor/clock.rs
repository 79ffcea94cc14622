//! The calendar and the timers. Signatures, tickets and active hours need the one, sound every 20 ms the other.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep_until};
use vox_shared::clock::Clock;

use super::Finding;
use crate::platform::UP_FILE;

/// Before this no version of Vox existed.
const FIRST_VERSION: &str = "2025-01-01T00:00:00Z";
/// How far a file may lie in the future: clocks of file servers differ a little.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
const MEND: &str = "set the clock and keep it set: timedatectl set-ntp true";
/// The frame of all audio.
const FRAME: Duration = Duration::from_millis(20);
const FRAMES: u32 = 15;
/// A frame that is later than a jitter buffer hides is heard.
const LATE: Duration = Duration::from_millis(20);

/// Whether the date can be right.
pub fn calendar(clock: &Clock, data_dir: &Path) -> Finding {
    let (name, now) = ("clock", clock.now());
    let first: Timestamp = FIRST_VERSION.parse().expect("a constant that is a time");
    if now < first {
        return Finding::fail(name, format!("it is set to {now:.0}, before Vox existed"), MEND);
    }
    match newest(data_dir) {
        Some(written) if written.duration_since(now) > TOLERANCE => {
            let detail =
                format!("it is set to {now:.0}, and {UP_FILE} was written at {written:.0}: it has gone back");
            Finding::fail(name, detail, MEND)
        }
        _ => Finding::ok(name, format!("{now:.0}")),
    }
}

fn newest(data_dir: &Path) -> Option<Timestamp> {
    Timestamp::try_from(std::fs::metadata(data_dir.join(UP_FILE)).ok()?.modified().ok()?).ok()
}

/// How far another machine's clock is from ours; `None` when it does not tell.
pub fn skew(date: &str, now: Timestamp) -> Option<SignedDuration> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(now.duration_since(theirs))
}

/// What a skew means.
pub fn judge_skew(skew: SignedDuration, vendor: &str) -> Finding {
    let name = "clock against others";
    let seconds = skew.as_secs();
    if skew.abs() > TOLERANCE {
        return Finding::warn(name, format!("{seconds} s apart from {vendor}"), MEND);
    }
    Finding::ok(name, format!("within {} s of {vendor}", seconds.abs().max(1)))
}

/// Whether a process gets the processor when its audio is due.
pub async fn timers() -> Finding {
    let start = Instant::now();
    let mut latest = Duration::ZERO;
    for frame in 1..=FRAMES {
        let due = start + FRAME * frame;
        sleep_until(due).await;
        latest = latest.max(due.elapsed());
    }
    let detail = format!("the latest of {FRAMES} frames was {:.1} ms late", latest.as_secs_f64() * 1_000.0);
    if latest > LATE {
        let mend = "callers would hear gaps: leave the machine more processor time";
        return Finding::warn("timers", detail, mend);
    }
    Finding::ok("timers", detail)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_or_went_back_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let level = |now: &str| calendar(&Clock::manual(now.parse().unwrap()), directory.path()).level;
        assert_eq!(level("1970-01-01T00:10:00Z"), Level::Fail);
        assert_eq!(level("2025-06-01T00:00:00Z"), Level::Ok);
        std::fs::create_dir(directory.path().join("run")).unwrap();
        std::fs::write(directory.path().join(UP_FILE), "{}").unwrap();
        assert_eq!(level("2025-01-02T00:00:00Z"), Level::Fail, "the file was written just now");
        assert_eq!(level("2999-01-01T00:00:00Z"), Level::Ok);
    }

    #[test]
    fn the_date_of_an_answer_tells_the_skew() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let skew = skew("Fri, 02 Jan 2026 03:00:00 GMT", now).unwrap();
        assert_eq!(skew.as_secs(), 245);
        assert_eq!(judge_skew(skew, "acme").level, Level::Warn);
        assert_eq!(judge_skew(SignedDuration::from_secs(-3), "acme").level, Level::Ok);
        assert!(super::skew("yesterday", now).is_none());
    }
}
