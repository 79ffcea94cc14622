//! What the callers themselves cost this machine, so that nobody takes their load for the server's.

use std::time::{Duration, Instant};

use crate::process::cpu_time;

/// Measures this process's processor time.
pub(super) struct Meter {
    began: Instant,
    used: Option<Duration>,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), used: cpu_time(std::process::id()) }
    }

    /// Percent of one core used since the start; `None` where the system does not tell.
    pub(super) fn stop(self) -> Option<f64> {
        let used = cpu_time(std::process::id())?.saturating_sub(self.used?);
        Some(100.0 * used.as_secs_f64() / self.began.elapsed().as_secs_f64().max(0.001))
    }
}
