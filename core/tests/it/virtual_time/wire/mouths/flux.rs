//! Flux' voices: one turn after the other, and bytes.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, pcm};
use super::{Asked, HZ, Mouth, Spoken, read, text_of};

#[derive(Default)]
pub struct Far {
    turn: u64,
    characters: usize,
}

impl Mouth for Far {
    fn opened(&mut self) {
        self.turn += 1;
    }

    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = self.turn.to_string();
        match value["type"].as_str() {
            Some("Speak") => {
                let text = text_of(&value["text"]);
                self.characters += text.chars().count();
                vec![Asked::Text { key, text }]
            }
            Some("Flush") => {
                self.turn += 1;
                vec![Asked::End { key }]
            }
            Some("Interrupt") => {
                self.turn += 1;
                vec![Asked::CancelAll]
            }
            Some("Close") => Vec::new(),
            other => panic!("Flux knows no {other:?}"),
        }
    }

    fn say(&mut self, _key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        vec![Frame::Bytes(pcm(spoken.ms, HZ))]
    }

    fn over(&mut self, _key: &str) -> Vec<Frame> {
        let characters = std::mem::take(&mut self.characters);
        vec![Frame::json(&json!({"type": "SpeechMetadata", "billable_character_count": characters}))]
    }

    fn silent(&mut self, _key: &str, was_active: bool) -> Vec<Frame> {
        let characters = std::mem::take(&mut self.characters);
        vec![Frame::json(&match was_active {
            true => {
                json!({"type": "SpeechInterrupted", "metadata": {"billable_character_count": characters}})
            }
            false => {
                json!({"type": "Warning", "code": "NO_ACTIVE_SPEECH", "description": "nothing is spoken"})
            }
        })]
    }
}
