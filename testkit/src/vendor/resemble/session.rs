//! One session: each request is spoken whole, and all of them at once.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{request::Request, script::Script};
use crate::vendor::{
    lies::Dialect,
    line::{Heard, Line},
    speaking::{Bit, Habit, Mouth, Step},
};

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    /// By their requests' numbers.
    mouths: Vec<(u64, Mouth)>,
    last_request: Option<u64>,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>) -> Self {
        Self { line, script, mouths: Vec::new(), last_request: None }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let due = self.mouths.iter().filter_map(|(_, mouth)| mouth.due()).min();
            match self.line.hear(due.filter(|_| !self.line.is_mute())).await {
                Heard::Text(text) => self.message(&text),
                Heard::Binary(_) => self.refuse(None, 400, "Binary messages are not taken."),
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn message(&mut self, text: &str) {
        let request: Request = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => return self.refuse(None, 400, &error.to_string()),
        };
        for name in request.unknown.keys() {
            self.line.record.violation(format!("unknown field '{name}'"));
        }
        match request.check() {
            Err(why) => self.refuse(request.request_id, 400, &why),
            Ok(wanted) => {
                if self.last_request.replace(wanted.request).is_some_and(|last| wanted.request <= last) {
                    self.line.record.violation("a request's number that does not count up");
                }
                let speaking = &self.script.speaking;
                let mut mouth = Mouth::new(speaking, &wanted.voice, wanted.sample_rate, 1.0);
                mouth.say(&wanted.text);
                self.mouths.push((wanted.request, mouth));
            }
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let mut at = 0;
        while at < self.mouths.len() {
            let (request, mouth) = &mut self.mouths[at];
            let request = *request;
            match mouth.step(now) {
                None => at += 1,
                Some(Step::Sound(bit)) => {
                    self.line.record.edit(|exchange| {
                        exchange.audio_bytes += bit.samples.len() as u64 * 2;
                        exchange.audio_samples += bit.samples.len() as u64;
                    });
                    self.line.say(&audio(request, &bit));
                }
                Some(Step::End) => {
                    self.mouths.remove(at);
                    if !self.script.speaking.has(Habit::NeverDone) {
                        self.line.say(&json!({"type": "audio_end", "request_id": request}));
                    }
                }
            }
        }
    }

    fn refuse(&mut self, request: Option<u64>, status: u16, why: &str) {
        self.line.record.violation(format!("refused: {why}"));
        self.line.say(&json!({
            "type": "error", "success": false, "error_name": "InvalidRequest", "status_code": status, "message": why,
            "request_id": request
        }));
    }
}

fn audio(request: u64, bit: &Bit) -> Value {
    let chars: Vec<String> = bit.characters.iter().map(|(c, ..)| c.to_string()).collect();
    let times: Vec<[f64; 2]> =
        bit.characters.iter().map(|(_, from, to)| [from / 1000.0, to / 1000.0]).collect();
    json!({
        "type": "audio", "request_id": request, "audio_content": STANDARD.encode(bit.bytes()),
        "audio_timestamps": {"graph_chars": chars, "graph_times": times, "phon_chars": [], "phon_times": []}
    })
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "prophecy", "certainty": 0.3})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["request_id"] = json!(4_000_000);
        message
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        json!({
            "type": "audio", "request_id": genuine["request_id"], "audio_content": "",
            "audio_timestamps": {"graph_chars": ["a", " "], "graph_times": [[900.0, 0.0], [-1.0, -2.0]]}
        })
    }
}
