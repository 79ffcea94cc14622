//! When a delivery is tried again, and how many go to an endpoint in a minute.

use std::time::Duration;

use jiff::SignedDuration;

use crate::store::Stamp;

/// Pauses after the attempts of a delivery: the first of Standard Webhooks' schedule, 27.6 hours in all.
const PAUSES: [SignedDuration; 7] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(10),
];
/// A pause is longer by up to this part of it, so that what failed together does not come back together.
const JITTER: f64 = 0.1;
/// Longest `Retry-After` that is honoured.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// Attempts at one endpoint that may follow each other at once.
const BURST: i32 = 50;
/// One attempt more is allowed each time so much time has gone by: with the burst at most 100 in any minute.
const PACE: SignedDuration = SignedDuration::from_millis(1_200);

/// Attempts of a delivery altogether.
pub const MAX_TRIES: u32 = PAUSES.len() as u32 + 1;

/// The pause after so many attempts; `None` after the last. `jitter` is 0 to 1. What the endpoint asks for counts if it is longer.
pub fn pause(tries: u32, asked: Option<Duration>, jitter: f64) -> Option<SignedDuration> {
    let pause = PAUSES.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    let pause = pause.saturating_add(SignedDuration::from_secs_f64(pause.as_secs_f64() * JITTER * jitter));
    let asked = asked.map(|wait| wait.min(LONGEST_WAIT)).and_then(|wait| SignedDuration::try_from(wait).ok());
    Some(pause.max(asked.unwrap_or_default()))
}

/// How many attempts may begin now, `most` at most, and up to when the sending is paid for then. The generic cell rate
/// algorithm (ITU-T I.371): one instant is all that is to be kept.
pub fn allowance(paced_at: Option<Stamp>, now: Stamp, most: usize) -> (usize, Stamp) {
    let mut paced = paced_at.map_or(now, |at| at.max(now));
    let mut allowed = 0;
    while allowed < most && paced + PACE <= now + PACE * BURST {
        paced = paced + PACE;
        allowed += 1;
    }
    (allowed, paced)
}

/// When the next attempt may begin.
pub fn free_at(paced_at: Stamp) -> Stamp {
    paced_at + -(PACE * (BURST - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let seconds = |tries| pause(tries, None, 0.0).map(|p| p.as_secs());
        let expected = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(Some);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(seconds), expected);
        assert_eq!((seconds(0), seconds(MAX_TRIES)), (None, None));
        assert_eq!(pause(2, None, 1.0).unwrap().as_secs(), 330);
    }

    #[test]
    fn a_longer_wait_that_is_asked_for_counts() {
        let asked = |seconds| pause(1, Some(Duration::from_secs(seconds)), 0.0).unwrap().as_secs();
        assert_eq!([1, 60, 1_000_000].map(asked), [5, 60, 86_400]);
    }

    #[test]
    fn no_minute_has_more_than_a_hundred() {
        let start = Stamp("2026-11-20T10:00:00Z".parse().unwrap());
        let (mut paced, mut sent) = (None, Vec::new());
        for tenth in 0..1_800 {
            let now = start + SignedDuration::from_millis(100) * tenth;
            let (allowed, until) = allowance(paced, now, 4);
            assert!(allowed > 0 || free_at(until) > now);
            assert!(allowed == 0 || tenth < 100 || free_at(paced.unwrap()) <= now);
            (paced, sent) = (Some(until), [sent, vec![now; allowed]].concat());
        }
        let within = |from: Stamp| {
            sent.iter().filter(|at| **at >= from && **at < from + SignedDuration::from_secs(60)).count()
        };
        let most = sent.iter().map(|from| within(*from)).max();
        assert!((99..=100).contains(&most.unwrap()), "{most:?}");
        assert!(within(start + SignedDuration::from_secs(90)) >= 49, "it goes on");
    }
}
