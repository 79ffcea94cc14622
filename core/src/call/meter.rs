//! How late frames leave: a histogram of half-millisecond steps, constant in memory for a call of any length.

const STEP_US: u64 = 500;
const STEPS: usize = 400;

/// Lateness of frames, up to 200 ms in steps of 0.5 ms; later ones count in the last step.
#[derive(Clone, Debug)]
pub struct Lateness {
    counts: Box<[u32; STEPS]>,
    total: u64,
}

impl Default for Lateness {
    fn default() -> Self {
        Self { counts: Box::new([0; STEPS]), total: 0 }
    }
}

impl Lateness {
    /// A frame left this much after it was due.
    pub fn add(&mut self, late: std::time::Duration) {
        let step = u64::try_from(late.as_micros()).unwrap_or(u64::MAX) / STEP_US;
        let step = usize::try_from(step).unwrap_or(STEPS).min(STEPS - 1);
        self.counts[step] = self.counts[step].saturating_add(1);
        self.total += 1;
    }

    /// The lateness that this share of frames does not exceed, milliseconds (upper edge of the step). 0 without frames.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0u64;
        for (step, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen > 0 {
                return (step + 1) as f64 * STEP_US as f64 / 1000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn quantiles_come_from_the_steps() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.quantile_ms(0.99), 0.0);
        for _ in 0..98 {
            lateness.add(Duration::from_micros(100));
        }
        lateness.add(Duration::from_millis(7));
        lateness.add(Duration::from_secs(9));
        assert_eq!(lateness.quantile_ms(0.5), 0.5);
        assert_eq!(lateness.quantile_ms(0.99), 7.5);
        assert_eq!(lateness.quantile_ms(1.0), 200.0);
    }
}
