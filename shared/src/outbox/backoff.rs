//! How long to wait before trying again: exponential with jitter, so that a fleet does not come back in step.

use std::time::Duration;

/// First wait, before jitter.
pub const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Doubling waits of 0.2 s to 60 s. Pure: the caller brings the randomness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Note a failure; how long to wait now. `random` is uniform in 0..1 and picks between half and all of
    /// the step ("equal jitter": spread, yet never at once).
    pub fn next_wait(&mut self, random: f64) -> Duration {
        let step = FIRST_WAIT.saturating_mul(1 << self.failures.min(20)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        let random = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
        step.mul_f64(0.5 + random / 2.0).max(FIRST_WAIT)
    }

    /// It worked: start over.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_fifth_of_a_second_to_a_minute() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..11).map(|_| backoff.next_wait(1.0).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
        backoff.reset();
        assert_eq!(backoff.next_wait(1.0), FIRST_WAIT);
    }

    #[test]
    fn jitter_stays_within_the_bounds_for_ever() {
        let mut backoff = Backoff::new();
        for n in 0..10_000u32 {
            let wait = backoff.next_wait(f64::from(n % 101) / 100.0);
            assert!((FIRST_WAIT..=LONGEST_WAIT).contains(&wait), "{n}: {wait:?}");
        }
    }
}
