//! The caller's audio as the detector's windows, with the loudness of each.

use std::sync::Arc;
use std::time::Duration;

use crate::media::level::rms_db;
use crate::media::resample::Resampler;
use crate::media::silero::{Activity, Rate, Silero, Weights};
use crate::session::event::{LEVELS_PER_WINDOW, Window};

/// Turns the line's audio into windows.
pub struct Detector {
    silero: Silero,
    /// For lines at a rate the detector does not know (24 kHz).
    resampler: Option<Resampler>,
    scratch: Vec<i16>,
    window: Vec<i16>,
}

impl Detector {
    /// A detector for a line at `rate_hz`: 8000 natively, every other rate as 16000.
    pub fn new(weights: Arc<Weights>, rate_hz: u32) -> Self {
        let rate = if rate_hz == 8_000 { Rate::Hz8000 } else { Rate::Hz16000 };
        let resampler = (rate.hertz() != rate_hz).then(|| Resampler::new(rate_hz, rate.hertz()));
        Self { silero: Silero::new(weights, rate), resampler, scratch: Vec::new(), window: Vec::new() }
    }

    /// Take audio that ends at media time `ends_at`; `speaking` is what the session's gate says now. Gives every window
    /// it completes.
    pub fn push(&mut self, pcm: &[i16], ends_at: Duration, speaking: bool, out: &mut Vec<Window>) {
        self.scratch.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.push(pcm, &mut self.scratch),
            None => self.scratch.extend_from_slice(pcm),
        }
        let activity = if speaking { Activity::Speech } else { Activity::Quiet };
        let size = self.silero.window_samples();
        let rate = f64::from(self.silero.rate().hertz());
        let audio = std::mem::take(&mut self.scratch);
        let mut rest = audio.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.len().min(size - self.window.len()));
            rest = later;
            self.window.extend_from_slice(part);
            if self.window.len() < size {
                break;
            }
            let mut probability = 0.0;
            self.silero.push(&self.window, &mut |p| {
                probability = p;
                activity
            });
            let behind = Duration::from_secs_f64(rest.len() as f64 / rate);
            let levels_db = levels(&self.window);
            out.push(Window { ends_at: ends_at.saturating_sub(behind), probability, levels_db });
            self.window.clear();
        }
        self.scratch = audio;
    }
}

fn levels(window: &[i16]) -> [f32; LEVELS_PER_WINDOW] {
    let quarter = window.len() / LEVELS_PER_WINDOW;
    std::array::from_fn(|i| rms_db(&window[i * quarter..(i + 1) * quarter]))
}
