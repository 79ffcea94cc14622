//! A request for each text.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64};
use super::{Asked, HZ, Mouth, Spoken, letters, read, text_of};

pub struct Far;

impl Mouth for Far {
    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = value["request_id"].to_string();
        let text = text_of(&value["data"]);
        vec![Asked::Text { key: key.clone(), text }, Asked::End { key }]
    }

    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        let letters = letters(spoken);
        let since = f64::from(spoken.started_ms);
        let chars: Vec<_> = letters.iter().map(|(text, ..)| text).collect();
        let time = |ms: f64| (since + ms) / 1000.0;
        let times: Vec<_> = letters.iter().map(|(_, from, to)| [time(*from), time(*to)]).collect();
        let request: u64 = key.parse().unwrap_or_default();
        vec![Frame::json(&json!({
            "type": "audio", "request_id": request, "audio_content": base64(spoken.ms, HZ),
            "audio_timestamps": {"graph_chars": chars, "graph_times": times},
        }))]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        let request: u64 = key.parse().unwrap_or_default();
        vec![Frame::json(&json!({"type": "audio_end", "request_id": request}))]
    }

    /// There is no such message: what comes of it is thrown away.
    fn silent(&mut self, _key: &str, _was_active: bool) -> Vec<Frame> {
        Vec::new()
    }
}
