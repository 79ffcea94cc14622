//! Aura: one text after the other, and bytes.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, pcm};
use super::{Asked, HZ, Mouth, Spoken, read, text_of};

#[derive(Default)]
pub struct Far {
    text: String,
    flushes: u64,
}

impl Mouth for Far {
    fn opened(&mut self) {
        self.text.clear();
    }

    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        match value["type"].as_str() {
            Some("Speak") => self.text.push_str(&text_of(&value["text"])),
            Some("Flush") => {
                self.flushes += 1;
                let key = self.flushes.to_string();
                let text = std::mem::take(&mut self.text);
                return vec![Asked::Text { key: key.clone(), text }, Asked::End { key }];
            }
            Some("Clear") => return vec![Asked::CancelAll],
            Some("Close") => {}
            other => panic!("Aura knows no {other:?}"),
        }
        Vec::new()
    }

    fn say(&mut self, _key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        vec![Frame::Bytes(pcm(spoken.ms, HZ))]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        let sequence: u64 = key.parse().unwrap_or_default();
        vec![Frame::json(&json!({"type": "Flushed", "sequence_id": sequence}))]
    }

    fn silent(&mut self, _key: &str, _was_active: bool) -> Vec<Frame> {
        vec![Frame::json(&json!({"type": "Cleared", "sequence_id": 0}))]
    }
}
