//! One session: streams are opened, given text, and spoken.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    opening::{Given, Wanted},
    script::Script,
};
use crate::vendor::{
    lies::Dialect,
    line::{Heard, Line},
    speaking::{Bit, Habit, Mouth, Step},
};

const MAX_STREAMS: usize = 5;
const MAX_TEXT_CHARS: usize = 5_000;

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Message {
    KeepAlive { keep_alive: bool },
    Cancel { stream_id: String, cancel: bool },
    Text { stream_id: String, text: String, text_end: bool },
}

struct Stream {
    id: String,
    wanted: Wanted,
    mouth: Mouth,
    ended: bool,
    last_text: Instant,
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    streams: Vec<Stream>,
    /// Streams that were closed for want of text: a message for one may be on its way.
    starved: Vec<String>,
    last_heard: Instant,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>) -> Self {
        Self { line, script, streams: Vec::new(), starved: Vec::new(), last_heard: Instant::now() }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let due = self.due();
            match self.line.hear(due.filter(|_| !self.line.is_mute())).await {
                Heard::Text(text) => {
                    self.last_heard = Instant::now();
                    self.message(&text);
                }
                Heard::Binary(_) => {
                    self.refuse(None, 400, "invalid_request", "Binary messages are not taken.")
                }
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let timeout = Duration::from_millis(self.script.text_timeout_ms);
        let starved = |stream: &Stream| (!stream.ended).then_some(stream.last_text + timeout);
        let streams = self.streams.iter().filter_map(|stream| stream.mouth.due().or_else(|| starved(stream)));
        let idle = self.last_heard + Duration::from_millis(self.script.idle_ms);
        streams.min().or(Some(idle))
    }

    fn message(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Message::KeepAlive { keep_alive: true }) => {}
            Ok(Message::Cancel { stream_id, cancel: true }) => self.cancel(&stream_id),
            Ok(Message::Text { stream_id, text, text_end }) => self.text(&stream_id, &text, text_end),
            _ => match serde_json::from_str(text) {
                Ok(given) => self.open(&given),
                Err(error) => self.refuse(None, 400, "invalid_request", &error.to_string()),
            },
        }
    }

    fn open(&mut self, given: &Given) {
        for name in given.unknown.keys() {
            self.line.record.violation(format!("unknown field '{name}'"));
        }
        let id = given.stream_id.clone();
        if self.position(&id).is_some() {
            return self.refuse(Some(&id), 400, "invalid_request", "The stream is open.");
        }
        if self.streams.len() >= MAX_STREAMS {
            return self.refuse(Some(&id), 429, "limit_exceeded", "Too many streams.");
        }
        match given.check() {
            Err(why) => self.refuse(Some(&id), 400, "invalid_request", &why),
            Ok(wanted) => {
                let mouth =
                    Mouth::new(&self.script.speaking, &wanted.voice, wanted.sample_rate, wanted.speed);
                self.streams.push(Stream { id, wanted, mouth, ended: false, last_text: Instant::now() });
            }
        }
    }

    fn text(&mut self, id: &str, text: &str, text_end: bool) {
        let Some(at) = self.position(id) else {
            return self.refuse(Some(id), 400, "invalid_request", "There is no such stream.");
        };
        if text.chars().count() > MAX_TEXT_CHARS {
            return self.refuse(Some(id), 400, "invalid_request", "The text is too long.");
        }
        let stream = &mut self.streams[at];
        if stream.ended {
            return self.line.record.violation("text for a stream whose text has ended");
        }
        stream.last_text = Instant::now();
        if !text.trim().is_empty() {
            stream.mouth.say(text);
        }
        if text_end {
            stream.ended = true;
            if !stream.mouth.is_busy() {
                self.finish(at);
            }
        }
    }

    fn cancel(&mut self, id: &str) {
        let Some(at) = self.position(id) else {
            return match self.starved.iter().any(|known| known == id) {
                true => self.line.record.note("a cancellation crossed the end of its stream"),
                false => self.line.record.violation("a stream was cancelled that is not open"),
            };
        };
        if self.streams[at].ended {
            self.line.record.violation("a stream was cancelled after the end of its text");
        }
        if !self.script.speaking.has(Habit::NeverSilent) {
            self.terminate(at);
        }
    }

    fn finish(&mut self, at: usize) {
        if self.script.speaking.has(Habit::NeverDone) {
            self.streams.remove(at);
            return;
        }
        let message = json!({"stream_id": self.streams[at].id, "audio": "", "audio_end": true});
        self.line.say(&message);
        self.terminate(at);
    }

    fn terminate(&mut self, at: usize) {
        let stream = self.streams.remove(at);
        self.line.say(&json!({"stream_id": stream.id, "terminated": true}));
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.streams.iter().position(|stream| stream.id == id)
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let timeout = Duration::from_millis(self.script.text_timeout_ms);
        let mut at = 0;
        while at < self.streams.len() {
            let stream = &mut self.streams[at];
            match stream.mouth.step(now) {
                Some(Step::Sound(bit)) => {
                    let message = audio(stream, &bit);
                    self.line.record.edit(|exchange| {
                        exchange.audio_bytes += bit.samples.len() as u64 * 2;
                        exchange.audio_samples += bit.samples.len() as u64;
                    });
                    self.line.say(&message);
                }
                Some(Step::End) if stream.ended => self.finish(at),
                Some(Step::End) => {}
                None if !stream.ended && !stream.mouth.is_busy() && stream.last_text + timeout <= now => {
                    let id = stream.id.clone();
                    self.line.record.note("a stream waited too long for text");
                    self.line.say(&json!({
                        "stream_id": id, "error_code": 408, "error_type": "timeout", "error_message": "No text."
                    }));
                    self.starved.push(id);
                    self.terminate(at);
                }
                None => at += 1,
            }
        }
        if self.last_heard + Duration::from_millis(self.script.idle_ms) <= now && self.streams.is_empty() {
            self.line.record.violation("no sign of life");
            self.line.close(1000, "idle");
            self.last_heard = now + Duration::from_secs(3_600);
        }
    }

    fn refuse(&mut self, id: Option<&str>, code: u16, word: &str, why: &str) {
        match id.is_some_and(|id| self.starved.iter().any(|known| known == id)) {
            true => self.line.record.note("a message crossed the end of its stream"),
            false => self.line.record.violation(format!("refused: {word}: {why}")),
        }
        let mut message = json!({"error_code": code, "error_type": word, "error_message": why});
        if let Some(id) = id {
            message["stream_id"] = json!(id);
        }
        self.line.say(&message);
        if let Some(id) = id {
            self.streams.retain(|known| known.id != id);
            self.line.say(&json!({"stream_id": id, "terminated": true}));
        }
    }
}

fn audio(stream: &Stream, bit: &Bit) -> Value {
    let mut message = json!({"stream_id": stream.id, "audio": STANDARD.encode(bit.bytes())});
    if stream.wanted.timestamps {
        let list = |of: fn(&(char, f64, f64)) -> Value| bit.characters.iter().map(of).collect::<Value>();
        message["timestamps"] = json!({
            "characters": list(|c| json!(c.0.to_string())),
            "character_start_times_seconds": list(|c| json!(c.1 / 1000.0)),
            "character_end_times_seconds": list(|c| json!(c.2 / 1000.0))
        });
    }
    message
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"stream_id": "s", "prophecy": true, "certainty": 0.3})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["stream_id"] = json!("a-stream-nobody-opened");
        message
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let timestamps = json!({
            "characters": ["a", " "], "character_start_times_seconds": [900.0, -1.0],
            "character_end_times_seconds": [0.0, -2.0]
        });
        json!({"stream_id": genuine["stream_id"], "audio": "", "timestamps": timestamps})
    }
}
