//! Bulbul: one text after the other.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64};
use super::{Asked, HZ, Mouth, Spoken, read, text_of};

#[derive(Default)]
pub struct Far {
    is_configured: bool,
    text: String,
    flushes: u64,
}

impl Mouth for Far {
    fn opened(&mut self) {
        (self.is_configured, self.text) = (false, String::new());
    }

    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        match value["type"].as_str() {
            Some("config") => self.is_configured = true,
            Some("text") => {
                assert!(self.is_configured, "Sarvam refuses a text before the settings");
                self.text.push_str(&text_of(&value["data"]["text"]));
            }
            Some("flush") => {
                self.flushes += 1;
                let key = self.flushes.to_string();
                let text = std::mem::take(&mut self.text);
                return vec![Asked::Text { key: key.clone(), text }, Asked::End { key }];
            }
            Some("ping") => {}
            other => panic!("Sarvam knows no {other:?}"),
        }
        Vec::new()
    }

    fn say(&mut self, _key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        let audio = base64(spoken.ms, HZ);
        vec![Frame::json(&json!({"type": "audio", "data": {"content_type": "audio/L16", "audio": audio}}))]
    }

    fn over(&mut self, _key: &str) -> Vec<Frame> {
        vec![Frame::json(&json!({"type": "event", "data": {"event_type": "final"}}))]
    }

    /// There is no such message: another connection is opened.
    fn silent(&mut self, _key: &str, _was_active: bool) -> Vec<Frame> {
        Vec::new()
    }
}
