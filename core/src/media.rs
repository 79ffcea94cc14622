//! Sound: frames, rates, levels, the detector of speech, the recording.

pub mod level;
pub mod playout;
pub mod recorder;
pub mod resample;
pub mod silero;
pub mod tone;
pub mod trim;
