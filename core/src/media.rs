//! Sound: frames, rates, levels, the detector of speech, the recording.

pub mod playout;
pub mod recorder;
pub mod silero;
pub mod trim;

pub use vox_audio::{beep, level, resample, tone};
