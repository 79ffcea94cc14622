//! The messages of Soniox' voices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::tts::spelling::TimedChar;

/// Most characters with times taken from one message: minutes of speech.
const CHARS_MAX: usize = 20_000;

/// One message. A stream is named by all of them but the errors of a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Little-endian 16-bit samples, and characters by the time since the stream's first sample.
    Audio { stream: String, pcm: Vec<u8>, chars: Vec<TimedChar> },
    /// The stream is closed.
    Terminated { stream: String },
    /// The vendor refuses something.
    Error { stream: Option<String>, code: Option<u64>, word: Option<String> },
    /// Something not needed or not known yet.
    Other,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not a JSON object")]
    NotAnObject,
    #[error("audio is not base64")]
    NotBase64,
    #[error("a message belongs to no stream")]
    NoStream,
    #[error("characters and times are not of one number")]
    Uneven,
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
    let stream = || value["stream_id"].as_str().map(str::to_owned).ok_or(EventError::NoStream);
    if !value["error_code"].is_null() {
        let word = code_word(&value["error_type"]).map(str::to_owned);
        return Ok(Event::Error { stream: stream().ok(), code: value["error_code"].as_u64(), word });
    }
    if value["terminated"] == true {
        return Ok(Event::Terminated { stream: stream()? });
    }
    let audio = &value["audio"];
    if audio.is_null() {
        return Ok(Event::Other);
    }
    let audio = audio.as_str().ok_or(EventError::NotBase64)?;
    let pcm = STANDARD.decode(audio).map_err(|_| EventError::NotBase64)?;
    Ok(Event::Audio { stream: stream()?, pcm, chars: chars(&value["timestamps"])? })
}

fn chars(value: &Value) -> Result<Vec<TimedChar>, EventError> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let list = |name: &str| value[name].as_array().map(Vec::as_slice).ok_or(EventError::Uneven);
    let (chars, starts, ends) =
        (list("characters")?, list("character_start_times_seconds")?, list("character_end_times_seconds")?);
    if chars.len() > CHARS_MAX {
        return Err(EventError::Uneven);
    }
    TimedChar::list(chars, starts, ends).ok_or(EventError::Uneven)
}
