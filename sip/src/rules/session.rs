//! Calls that say now and then that they are still there (RFC 4028). Without it, one whose other side has gone in silence would only end
//! by its lack of sound.

use std::time::{Duration, Instant};

use crate::message::Headers;

/// Shortest time between, seconds (RFC 4028, 5).
const LEAST_S: u32 = 90;
/// Longest that is gone along with.
const MOST_S: u32 = 24 * 3600;

/// Who says it, and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    every: Duration,
    is_ours: bool,
    last: Instant,
    /// When ours is said next, if not by what was said last.
    next: Option<Instant>,
}

/// `Session-Expires`.
fn expires(headers: &Headers) -> Option<(u32, Option<&str>)> {
    let mut parts = headers.get("Session-Expires")?.split(';').map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let refresher = parts.find_map(|part| part.strip_prefix("refresher="));
    Some((seconds, refresher))
}

impl Refresh {
    /// The least time, if what is asked for is less.
    pub(super) fn too_short(asked: &Headers) -> Option<u32> {
        expires(asked).filter(|(seconds, _)| *seconds < LEAST_S).map(|_| LEAST_S)
    }

    /// The other side asks for it: what is answered. Who asks does it itself unless it wants us to.
    pub(super) fn asked(now: Instant, asked: &Headers, answer: &mut Headers) -> Option<Self> {
        let (seconds, refresher) = expires(asked)?;
        let seconds = seconds.clamp(LEAST_S, MOST_S);
        let can = asked.list("Supported").iter().any(|tag| tag.eq_ignore_ascii_case("timer"));
        let is_ours = refresher.is_some_and(|who| who.eq_ignore_ascii_case("uas")) || !can;
        let who = if is_ours { "uas" } else { "uac" };
        answer.push("Session-Expires", format!("{seconds};refresher={who}"));
        if !is_ours {
            answer.push("Require", "timer");
        }
        Some(Self { every: Duration::from_secs(u64::from(seconds)), is_ours, last: now, next: None })
    }

    /// What the answer to ours says of it.
    pub(super) fn answered(now: Instant, answer: &Headers) -> Option<Self> {
        let (seconds, refresher) = expires(answer)?;
        let is_ours = !refresher.is_some_and(|who| who.eq_ignore_ascii_case("uas"));
        let seconds = seconds.clamp(LEAST_S, MOST_S);
        Some(Self { every: Duration::from_secs(u64::from(seconds)), is_ours, last: now, next: None })
    }

    /// Whether we are to say it.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// When it is to be said by us, or the call is given up because it was not by them (RFC 4028, 10).
    pub(super) fn due(&self) -> Instant {
        if self.is_ours {
            return self.next.unwrap_or(self.last + self.every / 2);
        }
        self.last + self.every - (self.every / 3).min(Duration::from_secs(32))
    }

    /// It was said, or something in its place.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last = now;
        self.next = None;
    }

    /// We say it now.
    pub(super) fn said(&mut self, now: Instant) {
        self.next = Some(now + self.every / 2);
    }

    /// Ours was refused, perhaps because it comes too often: `Min-SE`. It is tried again a few times before the other side ends the call.
    pub(super) fn refused(&mut self, now: Instant, least: Option<&str>) {
        let least = least.and_then(|seconds| seconds.split(';').next()?.trim().parse().ok());
        let least = Duration::from_secs(u64::from(least.unwrap_or(0).min(MOST_S)));
        self.next = Some(if least > self.every { now } else { now + self.every / 10 });
        self.every = self.every.max(least);
    }

    /// What stands in our own.
    pub(super) fn header(&self) -> String {
        format!("{};refresher=uac", self.every.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(expires: &str) -> Headers {
        let mut headers = Headers::default();
        headers.push("Session-Expires", expires);
        headers.push("Supported", "100rel, timer");
        headers
    }

    #[test]
    fn who_says_it_is_agreed() {
        let now = Instant::now();
        for (asked, answered, due) in [
            ("1800", "1800;refresher=uac", 1768),
            ("1800;refresher=uac", "1800;refresher=uac", 1768),
            ("1800;refresher=uas", "1800;refresher=uas", 900),
            ("90", "90;refresher=uac", 60),
        ] {
            let mut answer = Headers::default();
            let refresh = Refresh::asked(now, &headers(asked), &mut answer).unwrap();
            assert_eq!(answer.get("Session-Expires"), Some(answered));
            assert_eq!(refresh.due(), now + Duration::from_secs(due), "{asked}");
        }
        assert_eq!(Refresh::too_short(&headers("60")), Some(90));
        assert_eq!(Refresh::too_short(&headers("90")), None);
        assert!(Refresh::answered(now, &headers("600;refresher=uac")).unwrap().is_ours());
        assert_eq!(Refresh::answered(now, &Headers::default()), None);
    }
}
