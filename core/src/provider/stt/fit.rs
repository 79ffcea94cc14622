//! Audio at a rate that a vendor takes.

use std::borrow::Cow;

use vox_audio::resample::Resampler;

/// From the line's rate to one of the vendor's.
#[derive(Debug)]
pub(super) struct Fit {
    rate_hz: u32,
    resampler: Option<Resampler>,
}

impl Fit {
    /// From `from_hz`, to itself where the vendor `takes` it, else to the last of those.
    pub fn new(from_hz: u32, takes: &[u32]) -> Self {
        let rate_hz = takes.iter().rfind(|hz| **hz == from_hz).or(takes.last()).copied().unwrap_or(from_hz);
        Self { rate_hz, resampler: (rate_hz != from_hz).then(|| Resampler::new(from_hz, rate_hz)) }
    }

    /// The vendor's rate.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub fn fit<'a>(&mut self, samples: &'a [i16]) -> Cow<'a, [i16]> {
        match &mut self.resampler {
            None => Cow::Borrowed(samples),
            Some(resampler) => {
                let mut fitted = Vec::with_capacity(samples.len());
                resampler.push(samples, &mut fitted);
                Cow::Owned(fitted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_taken_stays() {
        let check = |from, expected| assert_eq!(Fit::new(from, &[8_000, 16_000]).rate_hz(), expected);
        check(8_000, 8_000);
        check(16_000, 16_000);
        check(24_000, 16_000);
        let mut fit = Fit::new(24_000, &[8_000, 16_000]);
        let count: usize = (0..100).map(|_| fit.fit(&[0; 480]).len()).sum();
        assert!((31_000..=32_000).contains(&count), "{count}");
        assert!(matches!(Fit::new(8_000, &[8_000]).fit(&[1]), Cow::Borrowed([1])));
    }
}
