//! When a child that died is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// A child that lived so long died of something new, not of being started.
const HEALTHY: Duration = Duration::from_secs(10);

/// Doubles the pause with every quick death.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// The pause after a child that lived for so long.
    pub fn after(&mut self, lived: Duration) -> Duration {
        if lived >= HEALTHY {
            self.0 = FIRST;
        }
        let pause = self.0;
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_deaths_wait_longer_and_longer_and_a_long_life_forgives() {
        let mut backoff = Backoff::default();
        let mut after = |lived_secs| backoff.after(Duration::from_secs(lived_secs)).as_millis();
        assert_eq!([after(0), after(1), after(9)], [100, 200, 400]);
        let longest = (0..20).map(|_| after(0)).max();
        assert_eq!(longest, Some(10_000));
        assert_eq!([after(10), after(0)], [100, 200]);
    }
}
