//! AssemblyAI's messages, read leniently.

use serde_json::Value;

use super::super::reading::{WORDS_MAX, confidence, mean, seconds, word};
use super::super::turns::Told;

/// One message. Times are milliseconds since the first sample of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The session stands.
    Begin,
    Turn(Turn),
    SpeechStarted {
        at_ms: u64,
    },
    /// The billed seconds, after the end was asked for.
    Termination {
        seconds: f64,
    },
    /// It gives up, with the code that it closes with.
    Error {
        code: u16,
        text: String,
    },
    Warning {
        code: u64,
    },
    /// A type that is not needed or not known yet.
    Other,
}

/// A turn so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub(super) told: Told,
    pub ended: bool,
    pub formatted: bool,
    /// It has probably ended.
    pub likely_ended: bool,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("a message has no type")]
    NoType,
    #[error("a turn without its number or its transcript")]
    NoTurn,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    match value["type"].as_str().ok_or(EventError::NoType)? {
        "Begin" => Ok(Event::Begin),
        "Turn" => turn(&value).map(Event::Turn).ok_or(EventError::NoTurn),
        "SpeechStarted" => {
            Ok(Event::SpeechStarted { at_ms: value["timestamp"].as_u64().unwrap_or_default() })
        }
        "Termination" => Ok(Event::Termination { seconds: seconds(&value["session_duration_seconds"]) }),
        "Error" => Ok(Event::Error {
            code: value["error_code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
            text: value["error"].as_str().unwrap_or_default().to_owned(),
        }),
        "Warning" => Ok(Event::Warning { code: value["warning_code"].as_u64().unwrap_or_default() }),
        _ => Ok(Event::Other),
    }
}

fn turn(value: &Value) -> Option<Turn> {
    let flag = |name: &str| value[name].as_bool().unwrap_or(false);
    let ended = flag("end_of_turn");
    let transcript = value["transcript"].as_str()?.trim();
    let list = value["words"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heard: Vec<_> = list.iter().filter_map(heard).take(WORDS_MAX).collect();
    // While a turn goes on its transcript has only the words that will not change.
    let text = if ended || heard.is_empty() {
        transcript.to_owned()
    } else {
        heard.iter().map(|(word, _)| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    let confidence = mean(heard.iter().filter_map(|(_, confidence)| *confidence));
    let words = heard.into_iter().map(|(word, _)| word).collect();
    Some(Turn {
        told: Told { index: value["turn_order"].as_u64()?, text, words, confidence },
        ended,
        formatted: flag("turn_is_formatted"),
        likely_ended: value["utterance"].as_str().is_some_and(|text| !text.trim().is_empty()),
    })
}

fn heard(value: &Value) -> Option<(vox_shared::wire::result::Word, Option<f32>)> {
    let text = value["text"].as_str()?.trim();
    let (start, end) = (value["start"].as_u64()?, value["end"].as_u64()?);
    Some((word(text, start, end), confidence(&value["confidence"])))
}
