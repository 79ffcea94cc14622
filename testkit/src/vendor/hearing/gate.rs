//! Where speech begins and ends in the received audio: a plain energy gate over 10 ms windows.

/// Length of one window.
pub(crate) const WINDOW_MS: u32 = 10;
/// Loud windows in a row that make a beginning; a click of 20 ms does not.
const ONSET_WINDOWS: u32 = 3;

/// What one window changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    /// Silence, or loudness that is still too short to count.
    Quiet,
    /// Speech has been found to begin this long ago (the end of this window counts as now).
    Onset {
        /// Age of the beginning.
        ago_ms: u32,
    },
    /// Speech goes on.
    Loud,
}

/// Cuts samples into windows and judges each.
pub(crate) struct Gate {
    threshold: f64,
    window: usize,
    held: Vec<i16>,
    loud_in_a_row: u32,
    speaking: bool,
}

impl Gate {
    pub(crate) fn new(sample_rate: u32, threshold_rms: u32) -> Self {
        let window = ((sample_rate * WINDOW_MS) / 1_000).max(1) as usize;
        let threshold = f64::from(threshold_rms);
        Self { threshold, window, held: Vec::with_capacity(window), loud_in_a_row: 0, speaking: false }
    }

    /// Judge every window that `samples` completes.
    pub(crate) fn push(&mut self, samples: &[i16]) -> Vec<Sound> {
        self.held.extend_from_slice(samples);
        let whole = self.held.len() / self.window * self.window;
        let levels: Vec<f64> = self.held[..whole].chunks_exact(self.window).map(rms).collect();
        self.held.drain(..whole);
        levels.into_iter().map(|level| self.judge(level)).collect()
    }

    /// The utterance is over: the next loudness is a new onset.
    pub(crate) fn rest(&mut self) {
        self.speaking = false;
        self.loud_in_a_row = 0;
    }

    fn judge(&mut self, level: f64) -> Sound {
        if level < self.threshold {
            self.loud_in_a_row = 0;
            return Sound::Quiet;
        }
        self.loud_in_a_row += 1;
        if self.speaking {
            Sound::Loud
        } else if self.loud_in_a_row >= ONSET_WINDOWS {
            self.speaking = true;
            Sound::Onset { ago_ms: self.loud_in_a_row * WINDOW_MS }
        } else {
            Sound::Quiet
        }
    }
}

fn rms(window: &[i16]) -> f64 {
    let energy: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / window.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_not_speech_and_a_tone_is() {
        let mut gate = Gate::new(8_000, 300);
        assert!(gate.push(&[3_000; 160]).iter().all(|sound| *sound == Sound::Quiet));
        assert_eq!(gate.push(&[0; 80]), [Sound::Quiet]);
        assert_eq!(
            gate.push(&[3_000; 320]),
            [Sound::Quiet, Sound::Quiet, Sound::Onset { ago_ms: 30 }, Sound::Loud]
        );
    }
}
