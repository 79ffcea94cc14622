//! How long a vendor took to answer lately.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::fleet::BOUNDS_MS;

/// So many of the newest answers count …
const MOST: usize = 100;
/// … unless they are older than this.
const LATELY: Duration = Duration::from_secs(30 * 60);

/// The newest answers of a vendor.
#[derive(Debug, Default)]
pub struct Answers(VecDeque<(Instant, Duration)>);

/// What they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    pub samples: usize,
    pub p50: Duration,
    pub p90: Duration,
    pub p95: Duration,
}

impl Answers {
    /// It answered after so long.
    pub fn add(&mut self, after: Duration, now: Instant) {
        while self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((now, after));
    }

    /// How many of them were within each of [`BOUNDS_MS`], and after the last.
    pub fn spread(&self, now: Instant) -> Vec<u32> {
        let mut counts = vec![0; BOUNDS_MS.len() + 1];
        for (_, after) in self.0.iter().filter(|(at, _)| now.duration_since(*at) < LATELY) {
            let place = BOUNDS_MS.partition_point(|bound| Duration::from_millis(u64::from(*bound)) < *after);
            counts[place] += 1;
        }
        counts
    }

    /// `None` while there are none.
    pub fn quantiles(&self, now: Instant) -> Option<Quantiles> {
        let lately = self.0.iter().filter(|(at, _)| now.duration_since(*at) < LATELY);
        let mut sorted: Vec<Duration> = lately.map(|(_, after)| *after).collect();
        sorted.sort_unstable();
        // The nearest rank: the smallest that so many of a hundred do not pass.
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Quantiles { samples: sorted.len(), p50: at(50)?, p90: at(90)?, p95: at(95)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_count_for_half_an_hour() {
        let (began, ms) = (Instant::now(), Duration::from_millis);
        let mut answers = Answers::default();
        assert_eq!(answers.quantiles(began), None);
        answers.add(ms(70), began);
        let one = Quantiles { samples: 1, p50: ms(70), p90: ms(70), p95: ms(70) };
        assert_eq!(answers.quantiles(began), Some(one));
        (1..=100).rev().for_each(|n| answers.add(ms(n), began + Duration::from_secs(1)));
        let hundred = Quantiles { samples: 100, p50: ms(50), p90: ms(90), p95: ms(95) };
        assert_eq!(answers.quantiles(began + Duration::from_secs(2)), Some(hundred));
        let spread = answers.spread(began + Duration::from_secs(2));
        assert_eq!((&spread[..3], spread.iter().sum::<u32>()), (&[50, 50, 0][..], 100));
        assert_eq!(answers.quantiles(began + LATELY + Duration::from_secs(2)), None);
    }
}
