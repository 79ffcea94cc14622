//! Cartesia's messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::tts::WordMark;

/// Most words with times taken from one message: minutes of speech.
const WORDS_MAX: usize = 5_000;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Sound of a context: little-endian 16-bit samples.
    Chunk { context: String, pcm: Vec<u8> },
    /// Words, by the time since the context's first sample.
    Words { context: String, words: Vec<WordMark> },
    /// All sound of a context's segments up to this one, from 1, has been sent.
    Flushed { context: String, segment: u64 },
    /// All sound of a context has been sent; it is no more.
    Done { context: String },
    /// The vendor refuses something, of a context where it names one.
    Error { context: Option<String>, status: Option<u64>, word: Option<String> },
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
    #[error("a message belongs to no context")]
    NoContext,
    #[error("words and times are not of one number")]
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
    let context = || value["context_id"].as_str().map(str::to_owned).ok_or(EventError::NoContext);
    Ok(match value["type"].as_str() {
        Some("chunk") => {
            let data = value["data"].as_str().ok_or(EventError::NotBase64)?;
            Event::Chunk {
                context: context()?,
                pcm: STANDARD.decode(data).map_err(|_| EventError::NotBase64)?,
            }
        }
        Some("timestamps") => Event::Words { context: context()?, words: words(&value["word_timestamps"])? },
        Some("flush_done") => {
            Event::Flushed { context: context()?, segment: value["flush_id"].as_u64().unwrap_or(0) }
        }
        Some("done") => Event::Done { context: context()? },
        Some("error") => Event::Error {
            context: context().ok(),
            status: value["status_code"].as_u64(),
            word: code_word(&value["error_code"]).map(str::to_owned),
        },
        _ => Event::Other,
    })
}

fn words(value: &Value) -> Result<Vec<WordMark>, EventError> {
    let list = |name: &str| value[name].as_array().ok_or(EventError::Uneven);
    let (words, starts, ends) = (list("words")?, list("start")?, list("end")?);
    if words.len() != starts.len() || words.len() != ends.len() || words.len() > WORDS_MAX {
        return Err(EventError::Uneven);
    }
    let ms = |seconds: &Value| {
        let seconds = seconds.as_f64().filter(|s| s.is_finite()).ok_or(EventError::Uneven)?;
        Ok((seconds.max(0.0) * 1000.0).round() as u32)
    };
    let word = |((word, start), end): ((&Value, &Value), &Value)| {
        let text = word.as_str().ok_or(EventError::Uneven)?.trim().to_owned();
        let started_ms = ms(start)?;
        Ok(WordMark { text, started_ms, ended_ms: ms(end)?.max(started_ms) })
    };
    let words: Result<Vec<_>, _> = words.iter().zip(starts).zip(ends).map(word).collect();
    Ok(words?.into_iter().filter(|word| !word.text.is_empty()).collect())
}
