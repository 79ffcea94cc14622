//! How a lost connection is had back: when to try, and what.
//!
//! First the old session is resumed, which nobody else notices. When the server no longer knows it, or cannot be reached for a while, a new
//! one is begun.

use std::time::{Duration, Instant};

use super::session::ResumeReason;
use crate::error::{Disconnect, JoinError};

/// Waits before the first try, the second, and so on; then the last one again.
const WAITS_MS: [u64; 5] = [0, 300, 700, 1500, 2500];
/// A session that could not be resumed for so long is not there any more (servers keep it for about as long).
const RESUME_FOR: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    Resume(ResumeReason),
    Rejoin,
}

#[derive(Debug)]
pub(crate) struct Recovery {
    what: Try,
    lost: Instant,
    deadline: Instant,
    failures: usize,
    at: Instant,
}

impl Recovery {
    pub(crate) fn new(what: Try, now: Instant, within: Duration) -> Self {
        Self { what, lost: now, deadline: now + within, failures: 0, at: now }
    }

    pub(crate) fn what(&self) -> Try {
        self.what
    }

    /// When to try next.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// The server wants all of it to begin anew. Whether that is news.
    pub(crate) fn rejoin(&mut self, now: Instant) -> bool {
        if self.what == Try::Rejoin {
            return false;
        }
        self.what = Try::Rejoin;
        self.failures = 0;
        self.at = now;
        true
    }

    /// A try failed. Why it is of no use to go on, if it is not.
    pub(crate) fn failed(&mut self, now: Instant, error: &JoinError) -> Option<Disconnect> {
        match error {
            JoinError::Refused { status: status @ (401 | 403), .. } => {
                return Some(Disconnect::Refused { status: *status });
            }
            JoinError::SentAway(reason) if self.what == Try::Rejoin => {
                return Some(Disconnect::SentAway(*reason));
            }
            JoinError::RelayOnly | JoinError::Address(_) | JoinError::Tls(_) => {
                return Some(Disconnect::Lost);
            }
            error => {
                let is_unknown = !error.is_transient() || matches!(error, JoinError::Protocol(_));
                let is_late = now.saturating_duration_since(self.lost) >= RESUME_FOR;
                let is_news = (is_unknown || is_late) && self.rejoin(now);
                if is_news && is_unknown {
                    // The server is there: at once.
                    return self.over(now);
                }
            }
        }
        let wait = WAITS_MS[(self.failures + 1).min(WAITS_MS.len() - 1)];
        self.failures += 1;
        self.at = now + Duration::from_millis(wait);
        self.over(self.at)
    }

    fn over(&self, at: Instant) -> Option<Disconnect> {
        (at > self.deadline).then_some(Disconnect::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaving::Leaving;

    const RESUME: Try = Try::Resume(ResumeReason::SignalDisconnected);

    fn unreachable() -> JoinError {
        JoinError::Unreachable("no".to_owned())
    }

    #[test]
    fn an_unreachable_server_is_tried_until_it_is_too_late() {
        let start = Instant::now();
        let mut recovery = Recovery::new(RESUME, start, Duration::from_secs(30));
        let (mut now, mut tries, mut rejoins) = (start, 0, 0);
        let over = loop {
            now = now.max(recovery.at()) + Duration::from_millis(10);
            tries += 1;
            rejoins += u32::from(recovery.what() == Try::Rejoin);
            if let Some(over) = recovery.failed(now, &unreachable()) {
                break over;
            }
        };
        assert_eq!(over, Disconnect::Lost);
        assert!((10..25).contains(&tries), "{tries}");
        assert!(rejoins >= 5, "{rejoins}");
        assert!((25..=31).contains(&(now - start).as_secs()));
    }

    #[test]
    fn a_session_that_is_not_known_any_more_is_begun_anew_at_once() {
        let start = Instant::now();
        let mut recovery = Recovery::new(RESUME, start, Duration::from_secs(30));
        let gone = JoinError::Refused { status: 404, reason: String::new() };
        assert_eq!(recovery.failed(start, &gone), None);
        assert_eq!((recovery.what(), recovery.at()), (Try::Rejoin, start));
        // And not in a circle without a wait.
        assert_eq!(recovery.failed(start, &gone), None);
        assert!(recovery.at() > start);
    }

    #[test]
    fn refusals_are_final() {
        let now = Instant::now();
        let mut recovery = Recovery::new(RESUME, now, Duration::from_secs(30));
        let refused = JoinError::Refused { status: 401, reason: String::new() };
        assert_eq!(recovery.failed(now, &refused), Some(Disconnect::Refused { status: 401 }));
        let away = JoinError::SentAway(Leaving::RoomDeleted);
        assert_eq!(recovery.failed(now, &away), None, "a new session may be taken in");
        assert_eq!(recovery.failed(now, &away), Some(Disconnect::SentAway(Leaving::RoomDeleted)));
    }
}
