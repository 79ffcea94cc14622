//! Sarvam: whole utterances, and those that grow.

use serde_json::json;
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;

use super::super::frame::Frame;
use super::{Ear, read};

#[derive(Default)]
pub struct Streaming {
    requests: u64,
}

impl Ear for Streaming {
    fn is_asked(&mut self, message: &Outgoing) -> bool {
        read(message)["type"] == "flush"
    }

    fn tell(&mut self, meaning: &SttEvent, _at_ms: u64) -> Vec<Frame> {
        let SttEvent::Final { text, .. } = meaning else { return Vec::new() };
        if text.is_empty() {
            return Vec::new();
        }
        self.requests += 1;
        let signal = |signal: &str| {
            Frame::json(&json!({"type": "events", "data": {"signal_type": signal, "occured_at": 1.0}}))
        };
        let data = json!({
            "request_id": format!("r{}", self.requests), "transcript": text, "language_code": "en-IN",
            "metrics": {"audio_duration": 1.2, "processing_latency": 0.1},
        });
        vec![
            signal("START_SPEECH"),
            signal("END_SPEECH"),
            Frame::json(&json!({"type": "data", "data": data})),
        ]
    }
}

#[derive(Default)]
pub struct Realtime {
    utterance: u64,
    is_open: bool,
}

impl Realtime {
    fn transcript(&self, event: &str, text: &str) -> Frame {
        Frame::json(&json!({"event": event, "utterance_idx": self.utterance, "text": text}))
    }

    fn begin(&mut self, frames: &mut Vec<Frame>) {
        if !std::mem::replace(&mut self.is_open, true) {
            frames.push(Frame::json(&json!({"event": "vad.speech_start"})));
        }
    }
}

impl Ear for Realtime {
    fn opened(&mut self) -> Vec<Frame> {
        *self = Self::default();
        vec![Frame::json(&json!({"event": "session.begin", "session_id": "s1"}))]
    }

    /// Nobody can ask it: it hears the ends by itself.
    fn is_asked(&mut self, _message: &Outgoing) -> bool {
        false
    }

    fn tell(&mut self, meaning: &SttEvent, _at_ms: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        match meaning {
            SttEvent::Partial { text } if !text.is_empty() => {
                self.begin(&mut frames);
                frames.push(self.transcript("transcript.partial", text));
            }
            SttEvent::Final { text, .. } if !text.is_empty() => {
                self.begin(&mut frames);
                frames.push(self.transcript("transcript.final", text));
                self.utterance += 1;
                self.is_open = false;
            }
            _ => {}
        }
        frames
    }
}
