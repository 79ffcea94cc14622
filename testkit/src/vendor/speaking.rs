//! What the scripted voices share: text to sound at a pace. The sound is synthetic but real audio: harmonics under a syllable
//! envelope, as long as the text deserves, so that energy gates, players and recordings treat it as speech.

mod body;
mod mouth;
mod script;
mod voice;

pub(crate) use body::{Sounding, stream, wav_head};
pub(crate) use mouth::{Bit, Mouth, Step};
pub use script::{Habit, Speaking};
pub(crate) use voice::Voice;
