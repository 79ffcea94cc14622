//! The messages of streaming recognition, read leniently.

use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::stt::reading::seconds;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An utterance, and the audio billed for it.
    Utterance {
        text: String,
        seconds: f64,
        /// The vendor's number of what it answers, each once.
        request: Option<String>,
    },
    SpeechStarted,
    SpeechEnded,
    Error {
        word: String,
    },
    /// A type that is not needed or not known yet.
    Other,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("a message has no type")]
    NoType,
    #[error("an utterance without its transcript")]
    NoTranscript,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    let data = &value["data"];
    match value["type"].as_str().ok_or(EventError::NoType)? {
        "data" => Ok(Event::Utterance {
            text: data["transcript"].as_str().ok_or(EventError::NoTranscript)?.trim().to_owned(),
            seconds: seconds(&data["metrics"]["audio_duration"]),
            request: data["request_id"].as_str().map(str::to_owned),
        }),
        "events" => Ok(match data["signal_type"].as_str() {
            Some("START_SPEECH") => Event::SpeechStarted,
            Some("END_SPEECH") => Event::SpeechEnded,
            _ => Event::Other,
        }),
        "error" => {
            let number = data["code"].as_u64().map(|code| code.to_string());
            let word = number.or_else(|| code_word(&data["code"]).map(str::to_owned));
            Ok(Event::Error { word: word.unwrap_or_else(|| "no code".into()) })
        }
        _ => Ok(Event::Other),
    }
}
