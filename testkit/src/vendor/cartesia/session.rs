//! One session: requests for contexts in, sound and times out.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    context::{Context, Segment, Told},
    request::{Fixed, Request},
    script::Script,
};
use crate::vendor::{
    lies::Dialect,
    line::{Heard, Line},
    speaking::Habit,
};

/// A status, a code word and a sentence.
type Objection = (u16, &'static str, String);

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    version: &'static str,
    contexts: Vec<Context>,
    used: BTreeSet<String>,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, version: &'static str) -> Self {
        Self { line, script, version, contexts: Vec::new(), used: BTreeSet::new() }
    }

    pub(crate) async fn run(mut self) {
        let mut last_heard = Instant::now();
        loop {
            let idle = last_heard + Duration::from_millis(self.script.idle_ms);
            let due = self.contexts.iter().map(Context::due).chain([idle]).min();
            match self.line.hear(due.filter(|_| !self.line.is_mute())).await {
                Heard::Text(text) => {
                    last_heard = Instant::now();
                    self.message(&text);
                }
                Heard::Binary(_) => {
                    self.refuse(None, 400, "invalid_message", "Binary messages are not taken.")
                }
                Heard::Due if self.contexts.is_empty() && idle <= Instant::now() => {
                    self.line.close(1000, "idle");
                }
                Heard::Due => self.tick(),
                Heard::Over => return,
            }
        }
    }

    fn message(&mut self, text: &str) {
        let request = match Request::parse(text) {
            Ok(request) => request,
            Err(why) => return self.refuse(None, 400, "invalid_message", &why),
        };
        for name in request.unknown.keys() {
            self.line.record.violation(format!("unknown field '{name}'"));
        }
        let Some(id) = request.context_id.clone() else {
            return self.refuse(None, 400, "invalid_message", "context_id is required.");
        };
        let known = self.contexts.iter().position(|context| context.id == id);
        if request.cancel == Some(true) {
            match known {
                Some(at) => self.contexts[at].cancel(),
                None => self.line.record.note("a context was cancelled that is no more"),
            }
            return;
        }
        if let Err((code, word, why)) = self.generate(&request, &id, known) {
            self.refuse(Some(&id), code, word, &why);
        }
    }

    fn generate(&mut self, request: &Request, id: &str, known: Option<usize>) -> Result<(), Objection> {
        let fixed = request.fixed(self.version).map_err(|why| (400, "invalid_request", why))?;
        if !request.states_its_wait() {
            self.line.record.violation("max_buffer_delay_ms is not stated");
        }
        let transcript = request
            .transcript
            .clone()
            .ok_or_else(|| (400, "invalid_request", "transcript is required.".to_owned()))?;
        let at = match known {
            Some(at) => at,
            None => self.open(id, fixed.clone(), &transcript)?,
        };
        let context = &mut self.contexts[at];
        if context.fixed != fixed {
            return Err((400, "invalid_request", "A context's settings cannot be changed.".into()));
        }
        if context.closing {
            self.line.record.violation("text for a context that has ended");
            return Ok(());
        }
        if !transcript.trim().is_empty() {
            if !transcript.ends_with(' ') {
                self.line.record.note("a transcript that does not end with a space");
            }
            context.add(Segment { text: transcript, flush: request.flush == Some(true) });
        }
        context.closing = request.goes_on != Some(true);
        Ok(())
    }

    fn open(&mut self, id: &str, fixed: Fixed, transcript: &str) -> Result<usize, Objection> {
        if self.contexts.len() >= self.script.concurrency {
            return Err((429, "concurrency_limited", "Too many concurrent requests.".into()));
        }
        if !self.used.insert(id.to_owned()) && !transcript.trim().is_empty() {
            self.line.record.violation("the id of a context that was used before");
        }
        self.contexts.push(Context::new(id.to_owned(), fixed, &self.script));
        Ok(self.contexts.len() - 1)
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let mut at = 0;
        while at < self.contexts.len() {
            let context = &mut self.contexts[at];
            if context.due() > now {
                at += 1;
                continue;
            }
            let Some(told) = context.step(now, &self.script) else { continue };
            let id = context.id.clone();
            let message = match told {
                Told::Sound(bit) => {
                    let bytes = bit.bytes();
                    self.line.record.edit(|exchange| {
                        exchange.audio_bytes += bytes.len() as u64;
                        exchange.audio_samples += bit.samples.len() as u64;
                    });
                    json!({
                        "type": "chunk", "context_id": id, "data": STANDARD.encode(bytes), "done": false,
                        "status_code": 206, "step_time": 12.5
                    })
                }
                Told::Words(times) => json!({
                    "type": "timestamps", "context_id": id, "word_timestamps": times, "done": false, "status_code": 206
                }),
                Told::Flushed(_) if self.script.speaking.has(Habit::NeverDone) => continue,
                Told::Flushed(number) => json!({
                    "type": "flush_done", "context_id": id, "flush_id": number, "flush_done": true, "done": false,
                    "status_code": 206
                }),
                Told::Done => {
                    self.contexts.remove(at);
                    if self.script.speaking.has(Habit::NeverDone) {
                        continue;
                    }
                    json!({"type": "done", "context_id": id, "done": true, "status_code": 206})
                }
            };
            self.line.say(&message);
        }
    }

    fn refuse(&mut self, context: Option<&str>, status: u16, word: &str, why: &str) {
        self.line.record.violation(format!("refused: {word}: {why}"));
        self.contexts.retain(|known| Some(known.id.as_str()) != context);
        let mut message = json!({
            "type": "error", "done": true, "status_code": status, "error_code": word, "title": "Refused", "message": why,
            "request_id": "scripted"
        });
        if let Some(id) = context {
            message["context_id"] = json!(id);
        }
        self.line.say(&message);
    }
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "prophecy", "certainty": 0.3})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["context_id"] = json!("a-context-nobody-opened");
        message
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let times = json!({"words": ["a", "b"], "start": [900.0, -1.0], "end": [0.0, -2.0]});
        json!({"type": "timestamps", "context_id": genuine["context_id"], "word_timestamps": times})
    }
}
