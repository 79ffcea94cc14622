//! AssemblyAI: turns, whose end comes plain and then formatted.

use serde_json::json;
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;

use super::super::frame::Frame;
use super::{Ear, read};

#[derive(Default)]
pub struct Far {
    turn: u64,
}

impl Far {
    fn turn(&self, text: &str, (ended, formatted): (bool, bool), at_ms: u64) -> Frame {
        let words: Vec<_> = text
            .split_whitespace()
            .map(|word| json!({"text": word, "start": at_ms, "end": at_ms, "confidence": 0.9, "word_is_final": ended}))
            .collect();
        Frame::json(&json!({
            "type": "Turn", "turn_order": self.turn, "turn_is_formatted": formatted, "end_of_turn": ended,
            "transcript": text, "end_of_turn_confidence": 0.7, "words": words, "utterance": "",
        }))
    }
}

impl Ear for Far {
    fn opened(&mut self) -> Vec<Frame> {
        self.turn = 0;
        vec![Frame::json(&json!({"type": "Begin", "id": "3f1a", "expires_at": 1_790_000_000}))]
    }

    fn is_asked(&mut self, message: &Outgoing) -> bool {
        read(message)["type"] == "ForceEndpoint"
    }

    fn tell(&mut self, meaning: &SttEvent, at_ms: u64) -> Vec<Frame> {
        match meaning {
            SttEvent::Partial { text } if !text.is_empty() => {
                vec![self.turn(text, (false, false), at_ms)]
            }
            SttEvent::Final { text, .. } if !text.is_empty() => {
                let frames =
                    vec![self.turn(text, (true, false), at_ms), self.turn(text, (true, true), at_ms)];
                self.turn += 1;
                frames
            }
            _ => Vec::new(),
        }
    }
}
