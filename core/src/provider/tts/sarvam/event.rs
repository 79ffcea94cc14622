//! The messages of Sarvam's voices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Little-endian 16-bit samples.
    Audio { pcm: Vec<u8> },
    /// All sound of what was flushed has been sent.
    Final,
    /// The vendor refuses something, with the number of an HTTP status.
    Error { code: Option<u64> },
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
    #[error("a message has no type")]
    NoType,
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
    let data = &value["data"];
    Ok(match value["type"].as_str().ok_or(EventError::NoType)? {
        "audio" => {
            let audio = data["audio"].as_str().ok_or(EventError::NotBase64)?;
            Event::Audio { pcm: STANDARD.decode(audio).map_err(|_| EventError::NotBase64)? }
        }
        "event" if data["event_type"] == "final" => Event::Final,
        "error" => Event::Error { code: data["code"].as_u64() },
        _ => Event::Other,
    })
}
