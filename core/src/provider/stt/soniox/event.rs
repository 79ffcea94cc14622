//! Soniox's messages, read leniently.

use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::stt::reading::{WORDS_MAX, confidence};

/// One message of the server. Times are milliseconds since the first sample of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Parts of words, and how much audio was looked at.
    Tokens(Tokens),
    /// The server gives up, with the number of an HTTP status; it closes at once.
    Error { status: u16, word: String },
    /// Something that is not needed or not known yet.
    Other,
}

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tokens {
    pub tokens: Vec<Token>,
    pub total_ms: u64,
    /// Nothing follows.
    pub finished: bool,
}

/// A part of a word, or a mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub what: What,
    pub is_final: bool,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Text, with the space before it where a word begins.
    Text { text: String, started_ms: u64, ended_ms: u64, confidence: Option<f32> },
    /// `<end>`: the utterance is over.
    End,
    /// `<fin>`: everything up to the request is final.
    Finalized,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("tokens are not a list of texts with their times")]
    NoTokens,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    if let Some(status) = value["error_code"].as_u64() {
        let said = [&value["error_message"], &value["error_type"]].into_iter().find_map(code_word);
        let status = u16::try_from(status).unwrap_or(500);
        return Ok(Event::Error { status, word: said.unwrap_or("no reason").to_owned() });
    }
    let Some(tokens) = value.get("tokens") else { return Ok(Event::Other) };
    let tokens = tokens.as_array().ok_or(EventError::NoTokens)?;
    let read: Vec<Option<Token>> = tokens.iter().take(WORDS_MAX).map(token).collect::<Result<_, _>>()?;
    Ok(Event::Tokens(Tokens {
        tokens: read.into_iter().flatten().collect(),
        total_ms: value["total_audio_proc_ms"].as_u64().unwrap_or_default(),
        finished: value["finished"].as_bool().unwrap_or(false),
    }))
}

/// `None` for the tokens of a translation, which are not what was said.
fn token(value: &Value) -> Result<Option<Token>, EventError> {
    let text = value["text"].as_str().ok_or(EventError::NoTokens)?;
    if value["translation_status"] == "translation" {
        return Ok(None);
    }
    let what = match text {
        "<end>" => What::End,
        "<fin>" => What::Finalized,
        text => {
            let started_ms = value["start_ms"].as_u64().ok_or(EventError::NoTokens)?;
            let ended_ms = value["end_ms"].as_u64().unwrap_or(started_ms).max(started_ms);
            let confidence = confidence(&value["confidence"]);
            What::Text { text: text.to_owned(), started_ms, ended_ms, confidence }
        }
    };
    Ok(Some(Token { what, is_final: value["is_final"].as_bool().unwrap_or(false) }))
}
