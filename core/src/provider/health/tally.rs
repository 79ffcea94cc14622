//! How often a vendor worked and failed lately, by the minute.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So much counts, in minutes.
const MINUTES: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);

/// The counts of the last half hour.
#[derive(Debug, Default)]
pub struct Tally(VecDeque<Minute>);

#[derive(Debug)]
struct Minute {
    began: Instant,
    answered: u32,
    failed: u32,
}

impl Tally {
    pub fn answered(&mut self, now: Instant) {
        let minute = self.minute(now);
        minute.answered = minute.answered.saturating_add(1);
    }

    pub fn failed(&mut self, now: Instant) {
        let minute = self.minute(now);
        minute.failed = minute.failed.saturating_add(1);
    }

    /// Answers and failures.
    pub fn lately(&self, now: Instant) -> (u32, u32) {
        let counted =
            self.0.iter().filter(|minute| now.duration_since(minute.began) < MINUTE * MINUTES as u32);
        counted.fold((0, 0), |(answered, failed), minute| {
            (answered.saturating_add(minute.answered), failed.saturating_add(minute.failed))
        })
    }

    fn minute(&mut self, now: Instant) -> &mut Minute {
        let is_over = self.0.back().is_none_or(|newest| now.duration_since(newest.began) >= MINUTE);
        if is_over {
            if self.0.len() >= MINUTES {
                self.0.pop_front();
            }
            self.0.push_back(Minute { began: now, answered: 0, failed: 0 });
        }
        let newest = self.0.len() - 1;
        &mut self.0[newest]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_hour_counts() {
        let (began, mut tally) = (Instant::now(), Tally::default());
        let at = |minutes: u64| began + Duration::from_secs(60 * minutes);
        assert_eq!(tally.lately(began), (0, 0));
        tally.failed(began);
        tally.answered(began + Duration::from_secs(59));
        (1..40).for_each(|minute| tally.answered(at(minute)));
        assert_eq!(tally.lately(at(39)), (30, 0));
        tally.failed(at(39));
        assert_eq!(tally.lately(at(39)), (30, 1));
        assert_eq!(tally.lately(at(70)), (0, 0));
    }
}
