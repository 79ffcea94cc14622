//! Contexts, whose texts are segments of their own.

use std::collections::HashMap;

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64};
use super::{Asked, HZ, Mouth, Spoken, read, text_of};

#[derive(Default)]
pub struct Far {
    segments: HashMap<String, u64>,
}

impl Mouth for Far {
    fn opened(&mut self) {
        self.segments.clear();
    }

    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = text_of(&value["context_id"]);
        if value["cancel"] == true {
            return vec![Asked::Cancel { key }];
        }
        let text = text_of(&value["transcript"]);
        let mut asked = Vec::new();
        if !text.trim().is_empty() {
            asked.push(Asked::Text { key: key.clone(), text });
        }
        if value["continue"] == false {
            asked.push(Asked::End { key });
        }
        asked
    }

    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        let (from, to) = (f64::from(spoken.started_ms), f64::from(spoken.started_ms + spoken.ms));
        let words = json!({"words": [spoken.word], "start": [from / 1000.0], "end": [to / 1000.0]});
        let data = base64(spoken.ms, HZ);
        vec![
            Frame::json(
                &json!({"type": "timestamps", "context_id": key, "word_timestamps": words, "done": false}),
            ),
            Frame::json(
                &json!({"type": "chunk", "context_id": key, "data": data, "done": false, "status_code": 206}),
            ),
        ]
    }

    fn text_over(&mut self, key: &str) -> Vec<Frame> {
        let segment = self.segments.entry(key.to_owned()).or_default();
        *segment += 1;
        vec![Frame::json(
            &json!({"type": "flush_done", "context_id": key, "flush_id": segment, "flush_done": true}),
        )]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        vec![Frame::json(&json!({"type": "done", "context_id": key, "done": true, "status_code": 200}))]
    }

    fn silent(&mut self, key: &str, _was_active: bool) -> Vec<Frame> {
        self.over(key)
    }
}
