//! One session: settings first, then text that is spoken when it is flushed or when there is enough of it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    config::{Given, Wanted},
    script::Script,
};
use crate::vendor::{
    lies::Dialect,
    line::{Heard, Line},
    speaking::{Bit, Habit, Mouth, Step},
};

/// Longest text of one message.
const MAX_TEXT_CHARS: usize = 2_500;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Message {
    Config { data: Box<Given> },
    Text { data: Text },
    Flush {},
    Ping {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    wanted: Wanted,
    /// Once the settings have come.
    mouth: Option<Mouth>,
    buffer: String,
    waiting: VecDeque<String>,
    closing: bool,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, wanted: Wanted) -> Self {
        Self {
            line,
            script,
            wanted,
            mouth: None,
            buffer: String::new(),
            waiting: VecDeque::new(),
            closing: false,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut last_heard = Instant::now();
        loop {
            let idle = last_heard + Duration::from_millis(self.script.idle_ms);
            let speaking = self.mouth.as_ref().and_then(Mouth::due);
            let due = speaking.unwrap_or(idle);
            match self.line.hear((!self.line.is_mute() && !self.closing).then_some(due)).await {
                Heard::Text(text) => {
                    last_heard = Instant::now();
                    self.message(&text);
                }
                Heard::Binary(_) => self.refuse(400, "Binary messages are not taken."),
                Heard::Due if speaking.is_none() => {
                    self.closing = true;
                    self.line.close(1000, "idle");
                }
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn message(&mut self, text: &str) {
        if self.closing {
            return;
        }
        match serde_json::from_str(text) {
            Ok(Message::Config { data }) => self.configure(&data),
            Ok(Message::Ping {}) => {}
            Ok(_) if self.mouth.is_none() => self.refuse(400, "The first message must be the config."),
            Ok(Message::Text { data }) if data.text.chars().count() > MAX_TEXT_CHARS => {
                self.refuse(422, "The text is too long.");
            }
            Ok(Message::Text { data }) => self.buffer.push_str(&data.text),
            Ok(Message::Flush {}) => {
                if self.buffer.trim().is_empty() {
                    self.line.record.note("a flush of nothing");
                }
                self.waiting.push_back(std::mem::take(&mut self.buffer));
                self.begin();
            }
            Err(error) => self.refuse(400, &format!("Invalid message: {error}")),
        }
    }

    fn configure(&mut self, given: &Given) {
        for name in given.unknown.keys() {
            self.line.record.violation(format!("unknown setting '{name}'"));
        }
        match given.check(&self.wanted.model) {
            Ok(config) => {
                let speaking = &self.script.speaking;
                self.mouth = Some(Mouth::new(speaking, &config.speaker, config.sample_rate, config.pace));
            }
            Err(why) => self.refuse(422, &why),
        }
    }

    fn begin(&mut self) {
        if let Some(mouth) = &mut self.mouth
            && !mouth.is_busy()
            && let Some(text) = self.waiting.pop_front()
        {
            mouth.say(&text);
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(step) = self.mouth.as_mut().and_then(|mouth| mouth.step(now)) {
            match step {
                Step::Sound(bit) => self.sound(&bit),
                Step::End => {
                    if self.wanted.tells_end && !self.script.speaking.has(Habit::NeverDone) {
                        let data = json!({"event_type": "final", "message": "Scripted.", "timestamp": "2026-01-01T00:00:00Z"});
                        self.line.say(&json!({"type": "event", "data": data}));
                    }
                    self.begin();
                }
            }
        }
    }

    fn sound(&mut self, bit: &Bit) {
        let bytes = bit.bytes();
        self.line.record.edit(|exchange| {
            exchange.audio_bytes += bytes.len() as u64;
            exchange.audio_samples += bit.samples.len() as u64;
        });
        let audio = STANDARD.encode(bytes);
        let data = json!({"content_type": "audio/wav", "audio": audio, "request_id": "scripted"});
        self.line.say(&json!({"type": "audio", "data": data}));
    }

    fn refuse(&mut self, code: u16, why: &str) {
        self.line.record.violation(format!("refused: {why}"));
        let data = json!({"message": why, "code": code, "details": {}, "request_id": "scripted"});
        self.line.say(&json!({"type": "error", "data": data}));
    }
}

/// How this vendor lies. Its messages name no reply, so a stranger's is of a kind that it does not have.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "prophecy", "data": {"certainty": 0.3}})
    }

    fn to_a_stranger(&self, _genuine: &Value) -> Value {
        json!({"type": "event", "data": {"event_type": "started", "request_id": "somebody-else"}})
    }

    fn missequenced(&self, _genuine: &Value) -> Value {
        json!({"type": "event", "data": {"event_type": "progress", "timestamp": "1970-01-01T00:00:00Z"}})
    }
}
