//! Deepgram's messages, read leniently: what is unknown is skipped, what is missing has a harmless value.

use serde_json::Value;
use vox_shared::wire::result::Word;

use crate::provider::stt::reading::{self, WORDS_MAX, confidence, milliseconds, seconds};

/// One message. Times are seconds since the first sample of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Results(Results),
    UtteranceEnd,
    SpeechStarted {
        at_ms: u64,
    },
    /// The billable seconds, after the stream was closed.
    Metadata {
        seconds: f64,
    },
    /// The vendor did not understand a message of ours; the code word says why.
    Error {
        variant: String,
    },
    /// A type that is not needed or not known yet.
    Other,
}

/// Words of a stretch of audio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    pub start: f64,
    pub duration: f64,
    pub is_final: bool,
    pub speech_final: bool,
    pub from_finalize: bool,
    pub text: String,
    pub confidence: Option<f32>,
    pub words: Vec<Word>,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("a message has no type")]
    NoType,
    #[error("results without a transcript")]
    NoTranscript,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    match value["type"].as_str().ok_or(EventError::NoType)? {
        "Results" => results(&value).map(Event::Results),
        "UtteranceEnd" => Ok(Event::UtteranceEnd),
        "SpeechStarted" => Ok(Event::SpeechStarted { at_ms: milliseconds(&value["timestamp"]) }),
        "Metadata" => Ok(Event::Metadata { seconds: seconds(&value["duration"]) }),
        "Error" => Ok(Event::Error { variant: variant(&value) }),
        _ => Ok(Event::Other),
    }
}

fn results(value: &Value) -> Result<Results, EventError> {
    let best = &value["channel"]["alternatives"][0];
    let text = best["transcript"].as_str().ok_or(EventError::NoTranscript)?;
    let flag = |name: &str| value[name].as_bool().unwrap_or(false);
    let words = best["words"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Results {
        start: seconds(&value["start"]),
        duration: seconds(&value["duration"]),
        is_final: flag("is_final"),
        speech_final: flag("speech_final"),
        from_finalize: flag("from_finalize"),
        text: text.trim().to_owned(),
        confidence: confidence(&best["confidence"]),
        words: words.iter().filter_map(word).take(WORDS_MAX).collect(),
    })
}

fn word(value: &Value) -> Option<Word> {
    let text = value["punctuated_word"].as_str().or_else(|| value["word"].as_str())?;
    Some(reading::word(text, milliseconds(&value["start"]), milliseconds(&value["end"])))
}

fn variant(value: &Value) -> String {
    let word = |name: &str| crate::provider::egress::code_word(&value[name]);
    word("variant").or_else(|| word("code")).unwrap_or("no code").to_owned()
}
