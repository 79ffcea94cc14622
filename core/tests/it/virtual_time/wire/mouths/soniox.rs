//! Streams of one connection.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64};
use super::{Asked, HZ, Mouth, Spoken, letters, read, text_of};

pub struct Far;

impl Mouth for Far {
    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = text_of(&value["stream_id"]);
        if value["cancel"] == true {
            return vec![Asked::Cancel { key }];
        }
        let text = text_of(&value["text"]);
        let mut asked = Vec::new();
        if !text.trim().is_empty() {
            asked.push(Asked::Text { key: key.clone(), text });
        }
        if value["text_end"] == true {
            asked.push(Asked::End { key });
        }
        asked
    }

    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        let letters = letters(spoken);
        let since = f64::from(spoken.started_ms);
        let chars: Vec<_> = letters.iter().map(|(text, ..)| text).collect();
        let starts: Vec<_> = letters.iter().map(|(_, from, _)| (since + from) / 1000.0).collect();
        let ends: Vec<_> = letters.iter().map(|(_, _, to)| (since + to) / 1000.0).collect();
        let timestamps = json!({
            "characters": chars, "character_start_times_seconds": starts, "character_end_times_seconds": ends,
        });
        let audio = base64(spoken.ms, HZ);
        vec![Frame::json(
            &json!({"stream_id": key, "audio": audio, "audio_end": false, "timestamps": timestamps}),
        )]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        vec![
            Frame::json(&json!({"stream_id": key, "audio": "", "audio_end": true})),
            Frame::json(&json!({"stream_id": key, "terminated": true})),
        ]
    }

    fn silent(&mut self, key: &str, _was_active: bool) -> Vec<Frame> {
        vec![Frame::json(&json!({"stream_id": key, "terminated": true}))]
    }
}
