//! The text messages of Flux' voices.

use serde_json::Value;

use crate::provider::egress::code_word;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A turn has been spoken to its end, and what it costs.
    TurnOver { characters: Option<u64> },
    /// A turn has been broken off, and what it costs.
    Interrupted { characters: Option<u64> },
    /// There was nothing to interrupt, or nothing to speak.
    Nothing,
    /// The vendor refuses something; it closes the connection next.
    Error { word: Option<String> },
    /// Something not needed or not known yet.
    Other,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not a JSON object")]
    NotAnObject,
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
    let billed = |of: &Value| of["billable_character_count"].as_u64();
    Ok(match value["type"].as_str().ok_or(EventError::NoType)? {
        "SpeechMetadata" => Event::TurnOver { characters: billed(&value) },
        "SpeechInterrupted" => Event::Interrupted { characters: billed(&value["metadata"]) },
        "Warning" => match value["code"].as_str() {
            Some("NO_ACTIVE_SPEECH" | "NO_SYNTHESIZABLE_TEXT") => Event::Nothing,
            _ => Event::Other,
        },
        "Error" => Event::Error { word: code_word(&value["code"]).map(str::to_owned) },
        _ => Event::Other,
    })
}
