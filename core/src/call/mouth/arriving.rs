//! Sound as the voice gives it.

use crate::media::trim::Trim;
use crate::provider::tts::UtteranceId;

/// The utterance that the voice gives now.
#[derive(Debug)]
pub(super) struct Arriving {
    rate_hz: u32,
    utterance: UtteranceId,
    /// Its leading silence.
    trim: Trim,
    /// The utterance whose sound was counted last, and its samples.
    counted: (UtteranceId, u64),
    /// Media time of the newest sound, samples.
    pub(super) newest_at: u64,
}

impl Arriving {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz, utterance: 0, trim: Trim::new(rate_hz), counted: (0, 0), newest_at: 0 }
    }

    pub(super) fn trim(&mut self, utterance: UtteranceId) -> &mut Trim {
        if self.utterance != utterance {
            self.utterance = utterance;
            self.trim = Trim::new(self.rate_hz);
        }
        &mut self.trim
    }

    /// The length of a piece that came now, milliseconds, such that the pieces' lengths add up to that of the whole: the
    /// end of an utterance is told from its last millisecond.
    pub(super) fn length_ms(&mut self, utterance: UtteranceId, samples: usize, now: u64) -> u32 {
        self.newest_at = now;
        if self.counted.0 != utterance {
            self.counted = (utterance, 0);
        }
        let ms = |samples: u64| samples * 1000 / u64::from(self.rate_hz);
        let before = ms(self.counted.1);
        self.counted.1 += samples as u64;
        u32::try_from(ms(self.counted.1) - before).unwrap_or(u32::MAX)
    }
}
