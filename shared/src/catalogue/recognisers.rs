//! Recognisers.

mod assemblyai;
mod deepgram;
mod pocketsphinx;
mod sarvam;
mod soniox;
mod transcription;

use super::{Form, Vendor};

pub use assemblyai::ASSEMBLYAI;
pub use deepgram::{DEEPGRAM, DEEPGRAM_FLUX};
pub use pocketsphinx::POCKETSPHINX;
pub use sarvam::{SARVAM, SARVAM_REALTIME};
pub use soniox::SONIOX;
pub use transcription::TRANSCRIPTION;

/// All recognisers.
pub const RECOGNISERS: &[&Vendor] = &[
    &DEEPGRAM,
    &DEEPGRAM_FLUX,
    &SONIOX,
    &ASSEMBLYAI,
    &SARVAM,
    &SARVAM_REALTIME,
    &TRANSCRIPTION,
    &POCKETSPHINX,
];

/// Names and terms that a recogniser is told to expect.
const KEYTERMS: Form = Form::Texts { most: 100, bytes: 200 };
