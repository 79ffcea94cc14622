//! One session of Aura: text is kept until it is flushed, then spoken.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{query::Wanted, script::Script};
use crate::vendor::{
    line::{Heard, Line},
    speaking::{Bit, Habit, Mouth, Step},
};

/// Longest text of one message.
const MAX_TEXT_CHARS: usize = 2_000;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Message {
    Speak { text: String },
    Flush {},
    Clear {},
    Close {},
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    wanted: Wanted,
    mouth: Mouth,
    /// Text that was not flushed.
    buffer: String,
    /// Flushed texts that wait for their turn.
    waiting: VecDeque<String>,
    sequence: u64,
    flushes: VecDeque<Instant>,
    spoken: VecDeque<(Instant, usize)>,
    closing: bool,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, wanted: Wanted) -> Self {
        let mouth = Mouth::new(&script.speaking, &wanted.model, wanted.sample_rate, wanted.speed);
        Self {
            line,
            script,
            wanted,
            mouth,
            buffer: String::new(),
            waiting: VecDeque::new(),
            sequence: 0,
            flushes: VecDeque::new(),
            spoken: VecDeque::new(),
            closing: false,
        }
    }

    pub(crate) async fn run(mut self, id: String) {
        let model = &self.wanted.model;
        self.line.say(&json!({
            "type": "Metadata", "request_id": id, "model_name": model, "model_version": "1", "model_uuid": "scripted",
            "additional_model_uuids": []
        }));
        loop {
            let due = self.mouth.due().filter(|_| !self.line.is_mute());
            match self.line.hear(due).await {
                Heard::Text(text) => self.message(&text),
                Heard::Binary(_) => self.refuse(1003, "MESSAGE-0000"),
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn message(&mut self, text: &str) {
        if self.closing {
            return self.line.record.violation("a message after the end of the stream");
        }
        match serde_json::from_str(text) {
            Ok(Message::Speak { text }) => self.speak(&text),
            Ok(Message::Flush {}) => self.flush(),
            Ok(Message::Clear {}) => self.clear(),
            Ok(Message::Close {}) => {
                self.closing = true;
                self.close_when_done();
            }
            Err(_) => self.refuse(1008, "DATA-0000"),
        }
    }

    fn speak(&mut self, text: &str) {
        if text.chars().count() > MAX_TEXT_CHARS {
            return self.refuse(1009, "BIG-0001");
        }
        let now = Instant::now();
        self.spoken.push_back((now, text.chars().count()));
        self.spoken.retain(|(at, _)| now - *at < MINUTE);
        if self.spoken.iter().map(|(_, count)| count).sum::<usize>() > self.script.characters_a_minute {
            return self.refuse(1008, "DATA-0001");
        }
        self.buffer.push_str(text);
    }

    fn flush(&mut self) {
        let now = Instant::now();
        self.flushes.retain(|at| now - *at < MINUTE);
        if self.flushes.len() >= self.script.flushes_a_minute {
            self.line.record.violation("too many flushes");
            let warning = json!({"type": "Warning", "code": "EXCESSIVE_FLUSH", "description": "Scripted."});
            return self.line.say(&warning);
        }
        self.flushes.push_back(now);
        if self.buffer.trim().is_empty() {
            self.line.record.note("a flush of nothing");
        }
        self.waiting.push_back(std::mem::take(&mut self.buffer));
        self.begin();
    }

    fn begin(&mut self) {
        if !self.mouth.is_busy()
            && let Some(text) = self.waiting.pop_front()
        {
            self.mouth.say(&text);
        }
    }

    fn clear(&mut self) {
        if !self.mouth.is_busy() && self.waiting.is_empty() && self.buffer.is_empty() {
            self.line.record.note("a Clear of nothing");
        }
        if self.script.speaking.has(Habit::NeverSilent) {
            return;
        }
        self.buffer.clear();
        self.waiting.clear();
        self.mouth.hush();
        self.say("Cleared");
    }

    fn say(&mut self, kind: &str) {
        self.line.say(&json!({"type": kind, "sequence_id": self.sequence}));
        self.sequence += 1;
    }

    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(step) = self.mouth.step(now) {
            match step {
                Step::Sound(bit) => sound(&mut self.line, &bit),
                Step::End => {
                    if !self.script.speaking.has(Habit::NeverDone) {
                        self.say("Flushed");
                    }
                    self.begin();
                    self.close_when_done();
                }
            }
        }
    }

    fn close_when_done(&mut self) {
        if self.closing && !self.mouth.is_busy() && self.waiting.is_empty() {
            self.line.close(1000, "");
        }
    }

    fn refuse(&mut self, code: u16, payload: &str) {
        self.line.record.violation(format!("refused: {payload}"));
        self.closing = true;
        self.line.close(code, payload);
    }
}

/// Send sound without a header.
pub(super) fn sound(line: &mut Line, bit: &Bit) {
    let bytes = bit.bytes();
    line.record.edit(|exchange| {
        exchange.audio_bytes += bytes.len() as u64;
        exchange.audio_samples += bit.samples.len() as u64;
    });
    line.say_bytes(bytes);
}
