//! Flux's messages, read leniently.

use serde_json::Value;
use vox_shared::wire::result::Word;

use super::super::reading::{self, WORDS_MAX, confidence, mean, milliseconds};
use super::super::turns::Told;
use crate::provider::egress::code_word;

/// One message with its place among all of the server's.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub event: Event,
    /// From 0, each once.
    pub sequence: Option<u64>,
}

/// What a message says. Times are milliseconds since the first sample of the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The stream stands.
    Connected,
    Turn(Turn),
    /// It gives up and closes.
    Error {
        code: String,
    },
    Warning {
        code: String,
    },
    /// A type that is not needed or not known yet.
    Other,
}

/// A turn so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub kind: TurnKind,
    pub(super) told: Told,
}

/// What has happened to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// It begins, or has more words.
    Grows,
    /// It has probably ended.
    EagerEnd,
    /// It has not.
    Resumed,
    End,
}

/// A message that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a message is not JSON")]
    NotJson,
    #[error("a message has no type")]
    NoType,
    #[error("a turn without its event, number or transcript")]
    NoTurn,
}

/// Read a text message.
///
/// # Errors
/// For what cannot be a message of this protocol.
pub fn parse_event(text: &str) -> Result<Message, EventError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EventError::NotJson)?;
    let event = match value["type"].as_str().ok_or(EventError::NoType)? {
        "Connected" => Event::Connected,
        "TurnInfo" => turn(&value)?.map_or(Event::Other, Event::Turn),
        "Error" => Event::Error { code: code(&value) },
        "Warning" => Event::Warning { code: code(&value) },
        _ => Event::Other,
    };
    Ok(Message { event, sequence: value["sequence_id"].as_u64() })
}

/// `None` for an event that is not known yet.
fn turn(value: &Value) -> Result<Option<Turn>, EventError> {
    let kind = match value["event"].as_str().ok_or(EventError::NoTurn)? {
        "StartOfTurn" | "Update" => TurnKind::Grows,
        "EagerEndOfTurn" => TurnKind::EagerEnd,
        "TurnResumed" => TurnKind::Resumed,
        "EndOfTurn" => TurnKind::End,
        _ => return Ok(None),
    };
    let index = value["turn_index"].as_u64().ok_or(EventError::NoTurn)?;
    let text = value["transcript"].as_str().ok_or(EventError::NoTurn)?.trim().to_owned();
    let list = value["words"].as_array().map(Vec::as_slice).unwrap_or_default();
    let confidence = mean(list.iter().filter_map(|word| confidence(&word["confidence"])));
    let words = list.iter().filter_map(word).take(WORDS_MAX).collect();
    Ok(Some(Turn { kind, told: Told { index, text, words, confidence } }))
}

/// Older streams have words without times, which is no use.
fn word(value: &Value) -> Option<Word> {
    let (start, end) = (value.get("start")?, value.get("end")?);
    Some(reading::word(value["word"].as_str()?, milliseconds(start), milliseconds(end)))
}

fn code(value: &Value) -> String {
    let word = ["code", "error_code"].into_iter().find_map(|name| code_word(&value[name]));
    word.unwrap_or("no code").to_owned()
}
