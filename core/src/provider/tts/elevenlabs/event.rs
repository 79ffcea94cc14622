//! ElevenLabs' messages, read leniently: two generations of names are in use at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::provider::egress::code_word;

/// Most characters with times taken from one message: minutes of speech.
const CHARS_MAX: usize = 20_000;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Sound, times and the end of a context; any of them may be missing.
    Piece {
        /// The context; absent where the server has only one in mind.
        context: Option<String>,
        /// Little-endian 16-bit samples; a sample may be cut between messages.
        pcm: Vec<u8>,
        alignments: Alignments,
        is_final: bool,
    },
    /// The vendor refuses something; it closes the connection next.
    Error {
        /// Its code word, or "no code".
        word: String,
        /// A WebSocket close code.
        code: Option<u16>,
    },
    /// Something not needed or not known yet.
    Other,
}

/// The two alignments of a message; either may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alignments {
    /// Of the text that was sent.
    pub given: Option<Alignment>,
    /// Of what the vendor made of it: "$5" is "five dollars".
    pub normalized: Option<Alignment>,
}

impl Alignments {
    /// Whether neither is there.
    pub fn is_empty(&self) -> bool {
        self.given.is_none() && self.normalized.is_none()
    }
}

/// Characters and their times within one message, milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alignment {
    pub chars: Vec<AlignedChar>,
}

/// A character and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct AlignedChar {
    pub text: String,
    pub started_ms: f64,
    pub duration_ms: f64,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not a JSON object")]
    NotAnObject,
    #[error("audio is not base64")]
    NotBase64,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotAnObject)?;
    if !value.is_object() {
        return Err(EventError::NotAnObject);
    }
    let audio = &value["audio"];
    let is_final = value["isFinal"].as_bool().or_else(|| value["is_final"].as_bool()).unwrap_or(false);
    let has_audio = !audio.is_null();
    let alignments = Alignments {
        given: alignment(&value["alignment"]),
        normalized: alignment(&value["normalizedAlignment"])
            .or_else(|| alignment(&value["normalized_alignment"])),
    };
    // Times may come by themselves, before or behind their sound.
    let has_times = alignments.given.is_some() || alignments.normalized.is_some();
    if !has_audio && !is_final && !has_times {
        return Ok(error(&value).unwrap_or(Event::Other));
    }
    Ok(Event::Piece {
        context: value["contextId"].as_str().or_else(|| value["context_id"].as_str()).map(str::to_owned),
        pcm: if has_audio { samples(audio)? } else { Vec::new() },
        alignments,
        is_final,
    })
}

fn samples(audio: &Value) -> Result<Vec<u8>, EventError> {
    STANDARD.decode(audio.as_str().ok_or(EventError::NotBase64)?).map_err(|_| EventError::NotBase64)
}

fn error(value: &Value) -> Option<Event> {
    if value["error"].is_null() && value["code"].is_null() {
        return None;
    }
    let word = code_word(&value["error"]).unwrap_or("no code").to_owned();
    let code = value["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    Some(Event::Error { word, code })
}

fn alignment(value: &Value) -> Option<Alignment> {
    let list = |names: &[&str]| names.iter().find_map(|name| value[*name].as_array());
    let chars = list(&["chars", "characters"])?;
    let starts = list(&["charStartTimesMs", "charsStartTimesMs"])?;
    let durations = list(&["charDurationsMs", "charsDurationsMs"])?;
    let milliseconds =
        |value: &Value| value.as_f64().filter(|ms| ms.is_finite()).unwrap_or_default().max(0.0);
    let chars = chars.iter().zip(starts).zip(durations).take(CHARS_MAX).map(|((text, start), duration)| {
        AlignedChar {
            text: text.as_str().unwrap_or_default().to_owned(),
            started_ms: milliseconds(start),
            duration_ms: milliseconds(duration),
        }
    });
    Some(Alignment { chars: chars.collect() }).filter(|alignment| !alignment.chars.is_empty())
}
