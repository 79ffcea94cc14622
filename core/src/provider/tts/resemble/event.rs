//! Resemble's messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::tts::spelling::TimedChar;

/// Most characters with times taken from one message: minutes of speech.
const CHARS_MAX: usize = 20_000;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Little-endian 16-bit samples, and characters by the time since the request's first sample.
    Audio { request: u64, pcm: Vec<u8>, chars: Vec<TimedChar> },
    /// All sound of a request has been sent.
    AudioEnd { request: u64 },
    /// The vendor refuses something, of a request where it names one.
    Error { request: Option<u64>, status: Option<u64>, word: Option<String> },
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
    #[error("a message belongs to no request")]
    NoRequest,
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
    let request = || value["request_id"].as_u64().ok_or(EventError::NoRequest);
    Ok(match value["type"].as_str() {
        Some("audio") => {
            let audio = value["audio_content"].as_str().ok_or(EventError::NotBase64)?;
            Event::Audio {
                request: request()?,
                pcm: STANDARD.decode(audio).map_err(|_| EventError::NotBase64)?,
                chars: chars(&value["audio_timestamps"]),
            }
        }
        Some("audio_end") => Event::AudioEnd { request: request()? },
        Some("error") => Event::Error {
            request: request().ok(),
            status: value["status_code"].as_u64(),
            word: code_word(&value["error_name"]).map(str::to_owned),
        },
        _ => Event::Other,
    })
}

/// Characters whose times cannot be read have none: the sound beside them is as good.
fn chars(value: &Value) -> Vec<TimedChar> {
    let list = |name: &str| value[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let (chars, times) = (list("graph_chars"), list("graph_times"));
    if chars.len() > CHARS_MAX {
        return Vec::new();
    }
    let edge = |at: usize| times.iter().map(|time| time[at].clone()).collect::<Vec<Value>>();
    TimedChar::list(chars, &edge(0), &edge(1)).unwrap_or_default()
}
