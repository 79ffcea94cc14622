//! The JSON of the messages.

use serde_json::{Value, json};

use crate::vendor::{
    hearing::{TimedWord, bare},
    lies::Dialect,
};

/// What the words of a turn look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lower case, without marks.
    Plain,
    Formatted,
}

/// How far a turn is.
pub(crate) struct Stage {
    pub(crate) ended: bool,
    pub(crate) form: Form,
    /// The words so far are an utterance.
    pub(crate) is_utterance: bool,
}

pub(crate) fn begin(id: &str, expires_at: i64, model: &str) -> Value {
    json!({"type": "Begin", "id": id, "expires_at": expires_at,
        "configuration": {"model": model, "api_version": "2025-05-12"}})
}

pub(crate) fn speech_started(at_ms: u32) -> Value {
    json!({"type": "SpeechStarted", "timestamp": at_ms, "confidence": 0.98})
}

/// A turn so far. While it goes on its last word may change, and its transcript has the others.
pub(crate) fn turn(order: u64, words: &[TimedWord], stage: &Stage) -> Value {
    let shaped = |word: &TimedWord| match stage.form {
        Form::Plain => bare(&word.word),
        Form::Formatted => word.word.clone(),
    };
    let settled = if stage.ended { words.len() } else { words.len().saturating_sub(1) };
    let text = |count: usize| words[..count].iter().map(shaped).collect::<Vec<_>>().join(" ");
    let told: Vec<Value> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            json!({"text": shaped(word), "start": word.start_ms, "end": word.end_ms, "confidence": word.confidence,
                "word_is_final": at < settled})
        })
        .collect();
    json!({
        "type": "Turn", "turn_order": order, "turn_is_formatted": stage.form == Form::Formatted,
        "end_of_turn": stage.ended, "transcript": text(settled),
        "utterance": if stage.is_utterance { text(words.len()) } else { String::new() },
        "end_of_turn_confidence": if stage.ended { 0.93 } else { 0.12 }, "words": told
    })
}

/// Whole seconds: the vendor's own client takes no others.
pub(crate) fn termination(audio_s: f64, session_s: f64) -> Value {
    let whole = |seconds: f64| seconds.ceil() as u64;
    json!({"type": "Termination", "audio_duration_seconds": whole(audio_s), "session_duration_seconds": whole(session_s)})
}

pub(crate) fn error(code: u16, text: &str) -> Value {
    json!({"type": "Error", "error_code": code, "error": text})
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "Prophecy", "turn_order": 0, "certain": false})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        numbered(genuine, json!(4_000))
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        numbered(genuine, json!(-1))
    }
}

/// A turn with another number; what has none is left out of it.
fn numbered(genuine: &Value, order: Value) -> Value {
    let mut message = genuine.clone();
    if message.get("turn_order").is_none() {
        return json!({"type": "Turn", "turn_order": order, "transcript": "", "end_of_turn": true, "words": []});
    }
    message["turn_order"] = order;
    message
}
