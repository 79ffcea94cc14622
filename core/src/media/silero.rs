//! Silero VAD v6: how likely each 32 ms of a caller's sound is speech.
//!
//! The network is small (a short Fourier transform, four convolutions, one LSTM cell), so it is computed here over a
//! memory-mapped weight file instead of through a runtime: no private memory for weights, nothing to start, no thread.
//! Interface and golden numbers are those of the published `silero_vad.onnx`, from which `scripts/fetch-models.sh`
//! makes the weight file.

mod activation;
mod kernel;
mod network;
mod spectrum;
mod vector;
mod weights;

use std::sync::Arc;

pub use kernel::Kernel;
use network::Workspace;
use spectrum::Plan;
pub use weights::{Error, Fault, Weights};

/// Length of one window, the same at both rates.
pub const WINDOW_MS: u32 = 32;

/// The recurrent state is dropped once at least this much was heard since the last reset ...
const RESET_AFTER_MS: u32 = 2_000;
/// ... and this many windows in a row ...
const RESET_QUIET_WINDOWS: u32 = 5;
/// ... scored below this.
const RESET_BELOW: f32 = 0.1;

/// Full scale of 16-bit sound; the network was trained on samples from -1 to 1.
const FULL_SCALE: f32 = 32_768.0;

/// The two rates the model knows. Sound of any other rate is resampled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    Hz8000,
    Hz16000,
}

impl Rate {
    pub const ALL: [Self; 2] = [Self::Hz8000, Self::Hz16000];

    /// Samples a second.
    pub fn hertz(self) -> u32 {
        match self {
            Self::Hz8000 => 8_000,
            Self::Hz16000 => 16_000,
        }
    }

    /// Samples of one window of [`WINDOW_MS`].
    pub fn window_samples(self) -> usize {
        match self {
            Self::Hz8000 => 256,
            Self::Hz16000 => 512,
        }
    }

    /// Samples of the previous window that are put in front of each window. Leaving them out gives plausible but wrong
    /// numbers.
    fn context_samples(self) -> usize {
        self.window_samples() / 8
    }

    /// Length of the Fourier transform. Its frames overlap by half, and the end is padded by a quarter of it.
    fn fft_samples(self) -> usize {
        self.window_samples() / 2
    }
}

/// What the caller's own hysteresis makes of the line after a window. Only in quiet may the detector forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Quiet,
    Speech,
}

/// The detector of one line: 16-bit mono sound in, one probability per 32 ms window out.
///
/// Long silence and music leave the recurrent state deaf to the speech that follows, at 8 kHz above all. State and
/// context are therefore reset when 2 s of windows have passed since the last reset, the caller's hysteresis says
/// [`Activity::Quiet`] and the last five windows scored below 0.1.
pub struct Silero {
    weights: Arc<Weights>,
    rate: Rate,
    kernel: Kernel,
    plan: Plan,
    work: Box<Workspace>,
    filled: usize,
    windows_since_reset: u32,
    low_windows: u32,
}

impl Silero {
    /// A detector in its fresh state, on the fastest kernel of this processor.
    pub fn new(weights: Arc<Weights>, rate: Rate) -> Self {
        Self::with_kernel(weights, rate, Kernel::detect())
    }

    /// As [`Silero::new`] on a given kernel, to compare and to measure them.
    pub fn with_kernel(weights: Arc<Weights>, rate: Rate, kernel: Kernel) -> Self {
        let plan = Plan::new(rate.fft_samples());
        let work = Box::new(Workspace::new());
        Self { weights, rate, kernel, plan, work, filled: 0, windows_since_reset: 0, low_windows: 0 }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    pub fn window_samples(&self) -> usize {
        self.rate.window_samples()
    }

    /// Take sound in chunks of any size. For every window it completes, `judge` is given the probability of speech
    /// (0 to 1) and answers what the caller's hysteresis now makes of the line. Allocates nothing.
    pub fn push(&mut self, pcm: &[i16], judge: &mut impl FnMut(f32) -> Activity) {
        let mut rest = pcm;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.window_samples() - self.filled));
            rest = later;
            self.take(now);
            if self.filled == self.window_samples() {
                let probability = self.finish_window();
                let activity = judge(probability);
                self.reset_if_stale(activity);
            }
        }
    }

    /// Forget everything heard, an unfinished window included: for a new line, or after a gap in the sound.
    pub fn reset(&mut self) {
        self.work.forget();
        self.filled = 0;
        self.windows_since_reset = 0;
        self.low_windows = 0;
    }

    fn take(&mut self, pcm: &[i16]) {
        let from = self.rate.context_samples() + self.filled;
        for (sample, &value) in self.work.samples[from..].iter_mut().zip(pcm) {
            *sample = f32::from(value) / FULL_SCALE;
        }
        self.filled += pcm.len();
    }

    fn finish_window(&mut self) -> f32 {
        let network = self.weights.network(self.rate);
        let probability = self.kernel.evaluate(&network, &self.plan, &mut self.work);
        let window = self.window_samples();
        self.work.samples.copy_within(window..window + self.rate.context_samples(), 0);
        self.filled = 0;
        self.windows_since_reset = self.windows_since_reset.saturating_add(1);
        self.low_windows = if probability < RESET_BELOW { self.low_windows.saturating_add(1) } else { 0 };
        probability
    }

    fn reset_if_stale(&mut self, activity: Activity) {
        let heard_ms = self.windows_since_reset.saturating_mul(WINDOW_MS);
        let stale = heard_ms >= RESET_AFTER_MS && self.low_windows >= RESET_QUIET_WINDOWS;
        if stale && activity == Activity::Quiet {
            self.reset();
        }
    }
}
