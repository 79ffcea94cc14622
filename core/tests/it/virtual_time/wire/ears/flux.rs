//! Flux: turns.

use serde_json::{Value, json};
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;

use super::super::frame::Frame;
use super::{Ear, read};

#[derive(Default)]
pub struct Far {
    sequence: u64,
    turn: u64,
    /// Words of the turn so far.
    open: String,
}

impl Far {
    fn say(&mut self, mut value: Value) -> Frame {
        value["sequence_id"] = self.sequence.into();
        value["request_id"] = "7b6a3d2e".into();
        self.sequence += 1;
        Frame::json(&value)
    }

    fn turn(&mut self, event: &str, at_ms: u64) -> Frame {
        let words: Vec<_> =
            self.open.split_whitespace().map(|word| json!({"word": word, "confidence": 0.9})).collect();
        self.say(json!({
            "type": "TurnInfo", "event": event, "turn_index": self.turn, "transcript": self.open, "words": words,
            "audio_window_start": 0.0, "audio_window_end": at_ms as f64 / 1000.0, "end_of_turn_confidence": 0.7,
        }))
    }
}

impl Ear for Far {
    fn opened(&mut self) -> Vec<Frame> {
        *self = Self::default();
        vec![self.say(json!({"type": "Connected"}))]
    }

    fn is_asked(&mut self, message: &Outgoing) -> bool {
        read(message)["type"] == "ForceEndTurn"
    }

    fn tell(&mut self, meaning: &SttEvent, at_ms: u64) -> Vec<Frame> {
        match meaning {
            SttEvent::Partial { text } => {
                let began = self.open.is_empty() && !text.is_empty();
                if !text.is_empty() {
                    self.open.clone_from(text);
                }
                let event = if began { "StartOfTurn" } else { "Update" };
                vec![self.turn(event, at_ms)]
            }
            SttEvent::Final { text, .. } if !text.is_empty() => {
                self.open.clone_from(text);
                let frames = vec![self.turn("EagerEndOfTurn", at_ms), self.turn("EndOfTurn", at_ms)];
                self.turn += 1;
                self.open.clear();
                frames
            }
            _ => Vec::new(),
        }
    }
}
