//! What a caller says: finished pieces of audio.

use std::{path::Path, sync::Arc, time::Duration};

use thiserror::Error;
use vox_audio::resample::resample;
use vox_audio::wav::{Wav, WavError};

use crate::ear::{Gate, Hearing, Span, mean_square, spans_of};

mod synthetic;

pub use synthetic::synthetic;

/// Rates that a clip may have; outside, something was read wrong.
const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Why some audio cannot be a clip.
#[derive(Debug, Error)]
pub enum ClipError {
    #[error("the clip could not be read")]
    Wav(#[from] WavError),
    #[error("the clip is empty")]
    Empty,
    #[error("the clip has a rate of {0} Hz; give 16-bit PCM at 8000, 16000 or 24000 Hz")]
    Rate(u32),
}

/// A piece of mono audio. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clip {
    samples: Arc<[i16]>,
    rate_hz: u32,
    /// From the first to one past the last audible sample; `None` for silence.
    audible: Option<Span>,
}

impl Clip {
    /// A clip of 16-bit samples at `rate_hz`.
    pub fn new(samples: Vec<i16>, rate_hz: u32) -> Result<Self, ClipError> {
        if !RATES_HZ.contains(&rate_hz) {
            return Err(ClipError::Rate(rate_hz));
        }
        if samples.is_empty() {
            return Err(ClipError::Empty);
        }
        Ok(Self::from_valid(samples, rate_hz))
    }

    /// The clip in a 16-bit PCM WAV file; several channels are mixed.
    pub fn from_wav(path: &Path) -> Result<Self, ClipError> {
        let wav = Wav::read(path)?;
        let rate_hz = wav.rate_hz;
        Self::new(wav.mixed(), rate_hz)
    }

    /// The same sound at another rate. Cheap when it has that rate already.
    pub fn at_rate(&self, rate_hz: u32) -> Self {
        if self.rate_hz == rate_hz {
            return self.clone();
        }
        Self::from_valid(resample(&self.samples, self.rate_hz, rate_hz), rate_hz)
    }

    /// How long it takes to say.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate_hz))
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub fn samples(&self) -> &Arc<[i16]> {
        &self.samples
    }

    /// From the first to one past the last audible sample, counted in the clip's own samples.
    pub fn audible(&self) -> Option<Span> {
        self.audible
    }

    /// RMS of the whole clip in dB below full scale.
    pub fn loudness_dbfs(&self) -> f64 {
        10.0 * (mean_square(&self.samples).max(1) as f64 / (32_768.0 * 32_768.0)).log10()
    }

    fn from_valid(samples: Vec<i16>, rate_hz: u32) -> Self {
        let hearing = Hearing::default();
        let spans = spans_of(&samples, Gate::new(rate_hz, hearing.threshold_dbfs, hearing.hangover_ms));
        let audible =
            spans.first().zip(spans.last()).map(|(first, last)| Span { start: first.start, end: last.end });
        Self { samples: samples.into(), rate_hz, audible }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_where_its_sound_begins_and_ends_at_every_rate() {
        let wave = |at: usize| (8_000.0 * (at as f64 * 0.3).cos()) as i16;
        let samples =
            (0..16_000).map(|at| if (2_000..10_000).contains(&at) { wave(at) } else { 0 }).collect();
        let clip = Clip::new(samples, 16_000).unwrap();
        for (rate_hz, start, end) in [(16_000, 2_000, 10_000), (8_000, 1_000, 5_000), (24_000, 3_000, 15_000)]
        {
            let heard = clip.at_rate(rate_hz).audible().unwrap();
            assert!(
                heard.start.abs_diff(start) <= 40 && heard.end.abs_diff(end) <= 40,
                "{rate_hz}: {heard:?}"
            );
        }
        assert_eq!(clip.at_rate(8_000).duration(), Duration::from_secs(1));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(Clip::new(vec![], 8_000), Err(ClipError::Empty)));
        assert!(matches!(Clip::new(vec![1], 8), Err(ClipError::Rate(8))));
    }
}
