//! Contexts of one connection.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64};
use super::{Asked, HZ, Mouth, Spoken, letters, read, text_of};

pub struct Far;

impl Mouth for Far {
    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = text_of(&value["context_id"]);
        let text = text_of(&value["text"]);
        if value["close_context"] == true {
            return vec![Asked::End { key }];
        }
        // What opens a context has no text, nor has what keeps one alive.
        if text.trim().is_empty() { Vec::new() } else { vec![Asked::Text { key, text }] }
    }

    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        let letters = letters(spoken);
        let chars: Vec<_> = letters.iter().map(|(text, ..)| text).collect();
        let starts: Vec<_> = letters.iter().map(|(_, from, _)| from).collect();
        let lengths: Vec<_> = letters.iter().map(|(_, from, to)| to - from).collect();
        let alignment = json!({"chars": chars, "charStartTimesMs": starts, "charDurationsMs": lengths});
        let audio = base64(spoken.ms, HZ);
        vec![Frame::json(&json!({"audio": audio, "contextId": key, "alignment": alignment}))]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        vec![Frame::json(&json!({"isFinal": true, "contextId": key}))]
    }

    fn silent(&mut self, key: &str, _was_active: bool) -> Vec<Frame> {
        self.over(key)
    }
}
