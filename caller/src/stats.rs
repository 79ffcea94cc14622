//! Percentiles of what callers heard: exact for a few values per turn, binned for every frame.

use serde::Serialize;

/// How a set of figures is spread. Percentiles are nearest-rank, so each is a figure that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many figures there were; the others are zero when this is.
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Spread {
    /// The spread of `values`, in their own unit. NaN counts as the largest.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let Some(&max) = values.last() else { return Self::default() };
        let rank =
            |share: f64| values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1];
        Self {
            count: values.len() as u64,
            p50: rank(0.50),
            p90: rank(0.90),
            p99: rank(0.99),
            p999: rank(0.999),
            max,
        }
    }
}

/// Width of one bin.
const BIN_MS: f64 = 0.5;
/// One second in all; whatever is later falls in the last bin, and `max` still tells it exactly.
const BINS: usize = 2_000;

/// Counts of frames by how late each was. Constant size however long the call, and two of them add up.
#[derive(Clone, Debug, PartialEq)]
pub struct LatenessHistogram {
    bins: Box<[u32]>,
    count: u64,
    max_ms: f64,
}

impl Default for LatenessHistogram {
    fn default() -> Self {
        Self { bins: vec![0; BINS].into_boxed_slice(), count: 0, max_ms: 0.0 }
    }
}

impl LatenessHistogram {
    /// Count one frame; a frame in time is 0.
    pub fn record(&mut self, late_ms: f64) {
        let bin = ((late_ms.max(0.0) / BIN_MS).ceil() as usize).min(BINS - 1);
        self.bins[bin] = self.bins[bin].saturating_add(1);
        self.count += 1;
        self.max_ms = self.max_ms.max(late_ms);
    }

    /// Add another call's frames to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.bins.iter_mut().zip(&other.bins) {
            *mine = mine.saturating_add(*theirs);
        }
        self.count += other.count;
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// The spread in milliseconds, rounded up to half a millisecond (never up past the maximum).
    pub fn spread(&self) -> Spread {
        let at = |share: f64| {
            let rank = ((self.count as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            for (bin, &frames) in self.bins.iter().enumerate() {
                seen += u64::from(frames);
                if seen >= rank && bin + 1 < BINS {
                    return (bin as f64 * BIN_MS).min(self.max_ms);
                }
            }
            self.max_ms
        };
        if self.count == 0 {
            return Spread::default();
        }
        Spread {
            count: self.count,
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            p999: at(0.999),
            max: self.max_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let spread = Spread::of((1..=100).rev().map(f64::from).collect());
        assert_eq!(spread, Spread { count: 100, p50: 50.0, p90: 90.0, p99: 99.0, p999: 100.0, max: 100.0 });
        assert_eq!(Spread::of(vec![7.0]).p99, 7.0);
        assert_eq!(Spread::of(vec![]).count, 0);
    }

    #[test]
    fn a_histogram_tells_the_late_frames_and_adds_up() {
        let mut first = LatenessHistogram::default();
        (0..97).for_each(|_| first.record(0.0));
        let mut second = LatenessHistogram::default();
        for late in [12.0, 30.2, 4_000.0] {
            second.record(late);
        }
        first.merge(&second);
        let spread = first.spread();
        assert_eq!((spread.count, spread.p50, spread.p90), (100, 0.0, 0.0));
        assert_eq!((spread.p99, spread.p999, spread.max), (30.5, 4_000.0, 4_000.0));
    }
}
