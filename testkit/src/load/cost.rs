//! What the callers themselves cost this machine, so that nobody takes their load for the server's.

use std::time::Instant;

/// The kernel counts processor time in /proc in hundredths of a second on every architecture (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Measures this process's processor time.
pub(super) struct Meter {
    began: Instant,
    cpu_seconds: Option<f64>,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), cpu_seconds: cpu_seconds() }
    }

    /// Percent of one core used since the start; `None` where the system does not tell.
    pub(super) fn stop(self) -> Option<f64> {
        let used = cpu_seconds()? - self.cpu_seconds?;
        Some(100.0 * used / self.began.elapsed().as_secs_f64().max(0.001))
    }
}

/// User and system time of all threads (fields 14 and 15 of `proc_pid_stat(5)`).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold spaces; after it comes field 3.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / TICKS_PER_SECOND)
}
