//! Whether the dialler's loop runs, and what it sees, for its health.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// A loop that did nothing for so long is ill.
const STILL: Duration = Duration::from_secs(30);

/// Whether rooms have to be made before they are joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "fuse", content = "fuse_detail", rename_all = "snake_case")]
pub enum Fuse {
    /// Not known yet: the server does not answer.
    #[default]
    Unknown,
    On,
    /// What to do about it.
    Off(&'static str),
}

#[derive(Debug)]
struct Seen {
    last: Instant,
    lines: usize,
    leases: usize,
    fuse: Fuse,
}

/// See the module.
#[derive(Debug)]
pub struct Pulse(Mutex<Seen>);

/// What `GET /health` tells.
#[derive(Debug, Serialize)]
pub struct Health {
    pub status: &'static str,
    pub lines: usize,
    pub leases: usize,
    #[serde(flatten)]
    pub fuse: Fuse,
    /// Since the loop ran last.
    pub tick_age_ms: u64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Seen { last: Instant::now(), lines: 0, leases: 0, fuse: Fuse::default() }))
    }
}

impl Pulse {
    /// The loop runs.
    pub fn beats(&self, lines: usize, leases: usize) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.last, seen.lines, seen.leases) = (Instant::now(), lines, leases);
    }

    pub fn fuse(&self, fuse: Fuse) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fuse = fuse;
    }

    pub fn health(&self) -> Health {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = seen.last.elapsed();
        let status = match () {
            () if age >= STILL => "stands_still",
            () if matches!(seen.fuse, Fuse::Off(_)) => "no_fuse",
            () => "ok",
        };
        Health {
            status,
            lines: seen.lines,
            leases: seen.leases,
            fuse: seen.fuse.clone(),
            tick_age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Health {
    pub fn is_good(&self) -> bool {
        self.status == "ok"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_for_thirty_seconds_is_ill() {
        let pulse = Pulse::default();
        pulse.fuse(Fuse::On);
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(pulse.health().is_good());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pulse.health().status, "stands_still");
        pulse.beats(3, 16);
        let health = serde_json::to_value(pulse.health()).unwrap();
        assert_eq!(
            (&health["status"], &health["lines"], &health["fuse"]),
            (&"ok".into(), &3.into(), &"on".into())
        );
        pulse.fuse(Fuse::Off("do this"));
        assert!(!pulse.health().is_good());
        assert_eq!(serde_json::to_value(pulse.health()).unwrap()["fuse_detail"], "do this");
    }
}
