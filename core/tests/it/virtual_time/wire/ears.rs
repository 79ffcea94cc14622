//! The far ends of the recognisers: what each says of words, and how it is asked for them.

mod assemblyai;
mod deepgram;
mod flux;
mod sarvam;
mod soniox;
pub mod transcription;

use serde_json::{Value, json};
use tokio::time::Instant;
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::assemblyai::TurnsCodec;
use vox_core::provider::stt::deepgram::ListenCodec;
use vox_core::provider::stt::flux::FluxCodec;
use vox_core::provider::stt::sarvam::realtime::RealtimeCodec;
use vox_core::provider::stt::sarvam::streaming::UtterancesCodec;
use vox_core::provider::stt::soniox::TokensCodec;
use vox_core::provider::stt::{SttEvent, SttInput};

use super::frame::Frame;
use super::line::{Line, Wire};
use super::uploads::Uploads;

/// The line's sound.
pub const HZ: u32 = 8_000;

/// A recogniser's server.
pub trait Ear {
    /// What it says to a connection that stands.
    fn opened(&mut self) -> Vec<Frame> {
        Vec::new()
    }
    /// Whether a message asks it for the words so far.
    fn is_asked(&mut self, message: &Outgoing) -> bool;
    /// How it says this, so many milliseconds after the connection stood.
    fn tell(&mut self, meaning: &SttEvent, at_ms: u64) -> Vec<Frame>;
}

pub type EarWire = Box<dyn Wire<SttInput, SttEvent>>;

/// The codec and the far end of a vendor of the catalogue.
pub fn of(vendor: &str, now: Instant) -> Option<(EarWire, Box<dyn Ear>)> {
    Some(match vendor {
        "deepgram" => (Box::new(Line::new(ListenCodec::default(), now)), Box::new(deepgram::Far::default())),
        "deepgram_flux" => {
            (Box::new(Line::new(FluxCodec::new(HZ, true), now)), Box::new(flux::Far::default()))
        }
        "soniox" => {
            let opening = json!({"model": "stt-rt-v4", "audio_format": "pcm_s16le", "sample_rate": HZ});
            let codec = TokensCodec::new(opening.to_string());
            (Box::new(Line::new(codec, now)), Box::new(soniox::Far::default()))
        }
        "assemblyai" => {
            (Box::new(Line::new(TurnsCodec::new(HZ, true), now)), Box::new(assemblyai::Far::default()))
        }
        "sarvam" => {
            (Box::new(Line::new(UtterancesCodec::at(HZ), now)), Box::new(sarvam::Streaming::default()))
        }
        "sarvam_realtime" => {
            (Box::new(Line::new(RealtimeCodec::at(HZ), now)), Box::new(sarvam::Realtime::default()))
        }
        "openai" => {
            let uploads = Uploads::new(&transcription::settings(), transcription::HZ);
            (Box::new(uploads), Box::new(transcription::Far))
        }
        _ => return None,
    })
}

/// A message that is JSON, as every text that is not empty must be.
fn read(message: &Outgoing) -> Value {
    match message {
        Outgoing::Text(text) if !text.is_empty() => {
            serde_json::from_str(text).expect("a codec writes JSON or nothing")
        }
        _ => Value::Null,
    }
}
