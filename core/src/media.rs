//! Sound: frames, rates, levels, the detector of speech, the recording.

pub mod bed;
pub mod playout;
pub mod recorder;
pub mod silero;
pub mod trim;

pub use vox_amd::beep;
pub use vox_audio::{level, resample, tone};
