//! Aura's text messages.

use serde_json::Value;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// All sound of what was flushed has been sent.
    Flushed,
    /// What was cleared is silent; sound from here on is of new text.
    Cleared,
    /// Something not needed or not known yet, `Metadata` and `Warning` among it.
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
    Ok(match value["type"].as_str().ok_or(EventError::NoType)? {
        "Flushed" => Event::Flushed,
        "Cleared" => Event::Cleared,
        _ => Event::Other,
    })
}
