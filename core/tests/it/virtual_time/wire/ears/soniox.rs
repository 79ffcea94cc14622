//! Soniox: parts of words, final and not.

use serde_json::{Value, json};
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;

use super::super::frame::Frame;
use super::{Ear, read};

/// A word's length.
const WORD_MS: u64 = 100;

#[derive(Default)]
pub struct Far {
    open: String,
}

fn tokens(text: &str, is_final: bool, at_ms: u64) -> Vec<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let began_ms = at_ms.saturating_sub(words.len() as u64 * WORD_MS);
    let token = |(at, word): (usize, &&str)| {
        let start_ms = began_ms + at as u64 * WORD_MS;
        json!({"text": format!(" {word}"), "start_ms": start_ms, "end_ms": start_ms + WORD_MS, "confidence": 0.9, "is_final": is_final})
    };
    words.iter().enumerate().map(token).collect()
}

fn message(tokens: Vec<Value>, at_ms: u64) -> Vec<Frame> {
    let value = json!({"tokens": tokens, "final_audio_proc_ms": at_ms, "total_audio_proc_ms": at_ms});
    vec![Frame::json(&value)]
}

impl Ear for Far {
    fn is_asked(&mut self, message: &Outgoing) -> bool {
        read(message)["type"] == "finalize"
    }

    fn tell(&mut self, meaning: &SttEvent, at_ms: u64) -> Vec<Frame> {
        match meaning {
            SttEvent::Partial { text } => {
                if !text.is_empty() {
                    self.open.clone_from(text);
                }
                message(tokens(&self.open, false, at_ms), at_ms)
            }
            SttEvent::Final { text, from_finalize, .. } => {
                self.open.clear();
                let mut list = tokens(text, true, at_ms);
                let mark = |text: &str| json!({"text": text, "is_final": true});
                if *from_finalize {
                    list.push(mark("<fin>"));
                } else {
                    // It ends every utterance by itself.
                    list.push(mark("<end>"));
                }
                message(list, at_ms)
            }
            _ => Vec::new(),
        }
    }
}
