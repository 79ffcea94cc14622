//! Percentiles that can be added and taken away: counts in fixed buckets, eight for each doubling, from 1 ms to 17 minutes. A percentile
//! is the middle of its bucket, so it is wrong by 4.5 % at most. The buckets are those of every histogram ever stored: they never change.

/// Buckets of a doubling.
const OF_A_DOUBLING: f64 = 8.0;
/// The last bucket: whatever takes longer is in it.
const LAST: u8 = 161;

/// How often something took how long: buckets in their order, without those that are empty. A count may be negative only in what is
/// to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<(u8, i64)>);

/// The same with a place for every bucket, for adding up many.
#[derive(Clone, Debug)]
pub struct Dense([i64; LAST as usize + 1]);

impl Default for Dense {
    fn default() -> Self {
        Self([0; LAST as usize + 1])
    }
}

impl Dense {
    /// Add a histogram so many times: -1 takes it away.
    pub fn add(&mut self, other: &Histogram, times: i64) {
        for (bucket, count) in &other.0 {
            if let Some(sum) = self.0.get_mut(usize::from(*bucket)) {
                *sum += count * times;
            }
        }
    }

    /// Add all of another one.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    pub fn sparse(&self) -> Histogram {
        let counted = (0..=LAST).zip(self.0).filter(|(_, count)| *count != 0);
        Histogram(counted.collect())
    }
}

impl Histogram {
    /// Count a time in milliseconds; one that makes no sense, or none, is not counted.
    pub fn record(&mut self, ms: f64) {
        if ms.is_finite() && ms > 0.0 {
            self.add(&Self(vec![(bucket(ms), 1)]), 1);
        }
    }

    /// Add another one so many times: -1 takes it away.
    pub fn add(&mut self, other: &Self, times: i64) {
        let mut sum = Dense::default();
        sum.add(self, 1);
        sum.add(other, times);
        *self = sum.sparse();
    }

    pub fn samples(&self) -> i64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The time that so large a part of the samples did not pass, in milliseconds; `None` without samples.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let wanted = (self.samples() as f64 * share).ceil().max(1.0);
        let mut passed = 0;
        let found = self.0.iter().find(|(_, count)| {
            passed += *count;
            passed as f64 >= wanted
        });
        found.map(|(bucket, _)| middle(*bucket))
    }

    pub fn counts(&self) -> &[(u8, i64)] {
        &self.0
    }

    /// Become the histogram of these counts, in the memory that this one has. `None` when they are no histogram's, or one of them is none.
    pub fn refill(&mut self, counts: impl Iterator<Item = Option<(u8, i64)>>) -> Option<()> {
        self.0.clear();
        for count in counts {
            let (bucket, count) = count?;
            let is_sound = bucket <= LAST && self.0.last().is_none_or(|last| last.0 < bucket);
            self.0.extend(is_sound.then_some((bucket, count)));
            is_sound.then_some(())?;
        }
        Some(())
    }
}

/// 0 is less than a millisecond.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and LAST")]
fn bucket(ms: f64) -> u8 {
    match ms < 1.0 {
        true => 0,
        false => (1.0 + (ms.log2() * OF_A_DOUBLING).floor()).min(f64::from(LAST)) as u8,
    }
}

fn middle(bucket: u8) -> f64 {
    match bucket {
        0 => 0.5,
        bucket => ((f64::from(bucket) - 0.5) / OF_A_DOUBLING).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        times.iter().for_each(|ms| histogram.record(*ms));
        histogram
    }

    #[test]
    fn a_percentile_is_near_the_true_one() {
        let times: Vec<f64> = (1..=10_000).map(|n| f64::from(n) / 3.0 + 1.0).collect();
        let histogram = of(&times);
        for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let exact = times[(times.len() as f64 * share).ceil() as usize - 1];
            let found = histogram.percentile(share).unwrap();
            assert!((found / exact - 1.0).abs() < 0.046, "{share}: {found} instead of {exact}");
        }
    }

    #[test]
    fn without_samples_there_is_no_percentile() {
        assert_eq!(of(&[]).percentile(0.5), None);
        assert_eq!(of(&[f64::NAN, f64::INFINITY, -1.0, 0.0]).samples(), 0);
    }

    #[test]
    fn what_was_added_can_be_taken_away() {
        let (one, other) = (of(&[0.2, 5.0, 500.0]), of(&[5.0, 7.0, 1e12]));
        let mut sum = one.clone();
        sum.add(&other, 1);
        assert_eq!(sum.samples(), 6);
        sum.add(&one, -1);
        assert_eq!(sum, other);
        let mut filled = one;
        assert_eq!(filled.refill(sum.counts().iter().copied().map(Some)), Some(()));
        assert_eq!(filled, other);
        for bad in [vec![Some((162, 1))], vec![Some((2, 1)), Some((2, 1))], vec![Some((2, 1)), None]] {
            assert_eq!(filled.refill(bad.into_iter()), None);
        }
    }
}
