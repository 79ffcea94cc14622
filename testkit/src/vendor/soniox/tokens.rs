//! The JSON of the messages, and how words come in parts.

use serde_json::{Value, json};

use crate::vendor::{hearing::TimedWord, lies::Dialect};

/// A message with these tokens.
pub(crate) fn message(tokens: &[Value], (final_ms, total_ms): (u64, u64)) -> Value {
    json!({"tokens": tokens, "final_audio_proc_ms": final_ms, "total_audio_proc_ms": total_ms})
}

/// The last message.
pub(crate) fn finished((final_ms, total_ms): (u64, u64)) -> Value {
    let mut last = message(&[], (final_ms, total_ms));
    last["finished"] = json!(true);
    last
}

/// The message before the vendor gives up.
pub(crate) fn error(code: u16, text: &str) -> Value {
    json!({"tokens": [], "error_code": code, "error_message": text})
}

/// `<end>` or `<fin>`, which are always final.
pub(crate) fn mark(text: &str) -> Value {
    json!({"text": text, "start_ms": 0, "end_ms": 0, "confidence": 1.0, "is_final": true})
}

/// What every token of a session carries.
pub(crate) struct Voice {
    pub(crate) identifies_language: bool,
    pub(crate) diarizes: bool,
}

impl Voice {
    /// A word in one or two parts; the space before it belongs to its first.
    pub(crate) fn word(&self, word: &TimedWord, is_final: bool) -> Vec<Value> {
        let chars = word.word.chars().count();
        let middle = word.word.char_indices().nth(chars.div_ceil(2)).map_or(word.word.len(), |(at, _)| at);
        let (head, tail) = word.word.split_at(middle);
        let half_ms = word.start_ms + (word.end_ms - word.start_ms) / 2;
        let mut parts = vec![self.token(&format!(" {head}"), (word.start_ms, half_ms), (word, is_final))];
        if !tail.is_empty() {
            parts.push(self.token(tail, (half_ms, word.end_ms), (word, is_final)));
        }
        parts
    }

    fn token(
        &self,
        text: &str,
        (start_ms, end_ms): (u32, u32),
        (word, is_final): (&TimedWord, bool),
    ) -> Value {
        let mut token = json!({
            "text": text, "start_ms": start_ms, "end_ms": end_ms, "confidence": word.confidence, "is_final": is_final
        });
        if self.identifies_language {
            token["language"] = json!("en");
        }
        if self.diarizes {
            token["speaker"] = json!("1");
        }
        token
    }
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"prophecy": {"certain": false}})
    }

    /// A translation that nobody asked for.
    fn to_a_stranger(&self, genuine: &Value) -> Value {
        edited(genuine, |token| token["translation_status"] = json!("translation"))
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        edited(genuine, |token| {
            token["start_ms"] = json!(-3500);
            token["end_ms"] = json!(-3600);
        })
    }
}

fn edited(genuine: &Value, mut edit: impl FnMut(&mut Value)) -> Value {
    let mut message = genuine.clone();
    if let Some(tokens) = message["tokens"].as_array_mut() {
        // Marks have no times of their own.
        tokens.retain(|token| token["text"] != "<end>" && token["text"] != "<fin>");
        tokens.iter_mut().for_each(&mut edit);
    }
    message
}
