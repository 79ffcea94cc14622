//! The messages of realtime recognition, read leniently.

use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::stt::reading::seconds;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The session stands.
    Begin,
    SpeechStarted,
    /// All words so far of the utterance with this number.
    Partial {
        index: u64,
        text: String,
    },
    Final {
        index: u64,
        text: String,
    },
    /// The billed seconds, after the end was asked for.
    End {
        seconds: f64,
    },
    /// Something went wrong; the session may go on.
    Error {
        word: String,
        is_fatal: bool,
    },
    /// An event that is not needed or not known yet.
    Other,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("a message has no event")]
    NoEvent,
    #[error("a transcript without its number or its text")]
    NoTranscript,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    match value["event"].as_str().ok_or(EventError::NoEvent)? {
        "session.begin" => Ok(Event::Begin),
        "vad.speech_start" => Ok(Event::SpeechStarted),
        "transcript.partial" => transcript(&value).map(|(index, text)| Event::Partial { index, text }),
        "transcript.final" => transcript(&value).map(|(index, text)| Event::Final { index, text }),
        "session.end" => Ok(Event::End { seconds: seconds(&value["audio_duration_s"]) }),
        "error" => Ok(Event::Error {
            word: code_word(&value["code"]).unwrap_or("no code").to_owned(),
            is_fatal: value["is_fatal"].as_bool().unwrap_or(true),
        }),
        _ => Ok(Event::Other),
    }
}

fn transcript(value: &Value) -> Result<(u64, String), EventError> {
    let index = value["utterance_idx"].as_u64().ok_or(EventError::NoTranscript)?;
    let text = value["text"].as_str().ok_or(EventError::NoTranscript)?;
    Ok((index, text.trim().to_owned()))
}
