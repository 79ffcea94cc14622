//! The far ends of the voices: how each is given text, and says sound, words and ends.

mod asked;
mod aura;
mod cartesia;
mod elevenlabs;
mod flux;
mod resemble;
mod sarvam;
mod soniox;

use serde_json::{Map, Value, json};
use tokio::time::Instant;
use vox_core::provider::link::Outgoing;
use vox_core::provider::tts::asked::SoundBody;
use vox_core::provider::tts::aura::AuraTongue;
use vox_core::provider::tts::cartesia::CartesiaTongue;
use vox_core::provider::tts::elevenlabs::{ContextsCodec, TimedBody};
use vox_core::provider::tts::flux::FluxTongue;
use vox_core::provider::tts::replies::{RepliesCodec, Tongue};
use vox_core::provider::tts::resemble::ResembleTongue;
use vox_core::provider::tts::sarvam::SarvamTongue;
use vox_core::provider::tts::soniox::SonioxTongue;
use vox_core::provider::tts::{TtsEvent, TtsInput};

use super::frame::Frame;
use super::line::{Line, Wire};
use super::requests::Asked as Requests;

/// The rate of the sound: low, as nothing here depends on it and every sample is carried.
pub const HZ: u32 = 1_000;

/// What a voice's server is asked for. A key is whatever the vendor knows a reply, or a text of it, by.
#[derive(Debug, PartialEq)]
pub enum Asked {
    Text {
        key: String,
        text: String,
    },
    End {
        key: String,
    },
    Cancel {
        key: String,
    },
    /// Everything that is under way.
    CancelAll,
}

/// A word as it is spoken.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    pub word: &'a str,
    /// Since the first sample of its key.
    pub started_ms: u32,
    pub ms: u32,
}

/// A voice's server.
pub trait Mouth {
    /// The rate of the sound as the session hears it.
    fn hz(&self) -> u32 {
        HZ
    }
    /// Another connection stands: it knows of nothing.
    fn opened(&mut self) {}
    fn read(&mut self, message: &Outgoing) -> Vec<Asked>;
    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame>;
    /// All of a text was said.
    fn text_over(&mut self, _key: &str) -> Vec<Frame> {
        Vec::new()
    }
    /// All was said, and no more follows.
    fn over(&mut self, key: &str) -> Vec<Frame>;
    /// What was interrupted is silent; `was_active` says whether there was anything to interrupt.
    fn silent(&mut self, key: &str, was_active: bool) -> Vec<Frame>;
}

pub type MouthWire = Box<dyn Wire<TtsInput, TtsEvent>>;

/// The codec and the far end of a vendor of the catalogue.
pub fn of(vendor: &str, now: Instant) -> Option<(MouthWire, Box<dyn Mouth>)> {
    Some(match vendor {
        "elevenlabs" => {
            let codec = ContextsCodec::new(HZ, Value::Null);
            (Box::new(Line::new(codec, now)), Box::new(elevenlabs::Far))
        }
        "elevenlabs_http" => {
            let requests = Requests::new("elevenlabs_http", HZ, || TimedBody::new(HZ));
            (Box::new(requests), Box::new(asked::Far(asked::Form::Lines)))
        }
        "openai" => {
            let requests = Requests::new("openai", HZ, || SoundBody::new(Some(HZ)));
            (Box::new(requests), Box::new(asked::Far(asked::Form::Samples)))
        }
        "chatterbox" => {
            let requests = Requests::new("chatterbox", asked::FILE_HZ, || SoundBody::new(None));
            (Box::new(requests), Box::new(asked::Far(asked::Form::File)))
        }
        "cartesia" => (replies(CartesiaTongue::new(fixed(), HZ), now), Box::new(cartesia::Far::default())),
        "deepgram" => (replies(AuraTongue::new(HZ), now), Box::new(aura::Far::default())),
        "deepgram_flux" => (replies(FluxTongue::new(HZ), now), Box::new(flux::Far::default())),
        "sarvam" => (replies(SarvamTongue::new(fixed(), HZ), now), Box::new(sarvam::Far::default())),
        "soniox" => (replies(SonioxTongue::new(fixed(), HZ), now), Box::new(soniox::Far)),
        "resemble" => (replies(ResembleTongue::new(fixed(), HZ), now), Box::new(resemble::Far)),
        _ => return None,
    })
}

fn replies<T: Tongue + 'static>(tongue: T, now: Instant) -> MouthWire {
    Box::new(Line::new(RepliesCodec::new(tongue, HZ), now))
}

/// What every request of a vendor holds, as far as it matters here.
fn fixed() -> Map<String, Value> {
    Map::from_iter([("voice".to_owned(), json!("maya"))])
}

/// A voice's vendors are given nothing but JSON.
fn read(message: &Outgoing) -> Value {
    match message {
        Outgoing::Text(text) => serde_json::from_str(text).expect("a codec writes JSON"),
        Outgoing::Binary(_) => panic!("a voice is sent no sound"),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The characters of a word with the space behind it, each with its beginning and end in milliseconds since the word's.
fn letters(spoken: Spoken<'_>) -> Vec<(String, f64, f64)> {
    let chars: Vec<char> = spoken.word.chars().chain([' ']).collect();
    let each = f64::from(spoken.ms) / chars.len() as f64;
    let letter = |(at, c): (usize, &char)| (c.to_string(), at as f64 * each, (at + 1) as f64 * each);
    chars.iter().enumerate().map(letter).collect()
}
