//! Sound that every program handles the same way: 16-bit samples, their rates, levels and files. No I/O but WAV files, no
//! clock, no threads.

#![warn(missing_docs)]

pub mod g711;
pub mod jitter;
pub mod level;
pub mod music;
pub mod pcm;
pub mod resample;
pub mod stretch;
pub mod tone;
pub mod wav;
