//! Nova-3: results of stretches of audio.

use serde_json::json;
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;

use super::super::frame::Frame;
use super::{Ear, read};

/// Shortest stretch, seconds.
const LEAST: f64 = 0.1;

#[derive(Default)]
pub struct Far {
    /// Up to where the words are final, seconds.
    until: f64,
}

impl Far {
    fn results(&self, text: &str, at_ms: u64, flags: [bool; 3]) -> Frame {
        let [is_final, speech_final, from_finalize] = flags;
        let words: Vec<_> = text
            .split_whitespace()
            .map(|word| json!({"word": word, "punctuated_word": word, "start": self.until, "end": self.until, "confidence": 0.9}))
            .collect();
        Frame::json(&json!({
            "type": "Results", "channel_index": [0, 1], "start": self.until, "duration": self.length(at_ms),
            "is_final": is_final, "speech_final": speech_final, "from_finalize": from_finalize,
            "channel": {"alternatives": [{"transcript": text, "confidence": 0.9, "words": words}]},
        }))
    }

    fn length(&self, at_ms: u64) -> f64 {
        (at_ms as f64 / 1000.0 - self.until).max(LEAST)
    }
}

impl Ear for Far {
    fn is_asked(&mut self, message: &Outgoing) -> bool {
        read(message)["type"] == "Finalize"
    }

    fn tell(&mut self, meaning: &SttEvent, at_ms: u64) -> Vec<Frame> {
        match meaning {
            SttEvent::Partial { text } => vec![self.results(text, at_ms, [false; 3])],
            SttEvent::Final { text, from_finalize, utterance_end, .. } => {
                let frame = self.results(text, at_ms, [true, *utterance_end, *from_finalize]);
                self.until += self.length(at_ms);
                vec![frame]
            }
            SttEvent::UtteranceEnd => {
                vec![Frame::json(
                    &json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": self.until}),
                )]
            }
            _ => Vec::new(),
        }
    }
}
