//! A session of streaming recognition: audio and `flush` in, whole utterances out.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{query::Streaming, script::Script};
use crate::vendor::{
    hearing::{Decoder, Encoding, Finding, Heard as Words, Recogniser, Rules},
    lies::Dialect,
    line::{Heard, Line},
};

/// What a client sends.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    /// Also what a framework sends before it closes, with a type.
    Audio {
        audio: Audio,
        r#type: Option<String>,
    },
    Control {
        r#type: String,
        prompt: Option<String>,
    },
}

#[derive(Deserialize)]
struct Audio {
    data: String,
    encoding: String,
    sample_rate: u32,
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    wanted: Streaming,
    decoder: Decoder,
    recogniser: Recogniser,
    closing: bool,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, wanted: Streaming) -> Self {
        let rules = Rules {
            interims: false,
            endpointing_ms: Some(script.silence_ms),
            utterance_end_ms: None,
            vad_events: true,
        };
        let hearing = Arc::new(script.hearing.clone());
        Self {
            decoder: Decoder::new(Encoding::Linear16, wanted.sample_rate, 1),
            recogniser: Recogniser::new(hearing, rules, wanted.sample_rate),
            line,
            script,
            wanted,
            closing: false,
        }
    }

    pub(crate) async fn run(mut self, new_id: impl Fn() -> String) {
        let idle = Duration::from_millis(self.script.idle_timeout_ms);
        let mut last_heard = Instant::now();
        loop {
            let due = (!self.line.is_mute() && !self.closing).then_some(last_heard + idle);
            match self.line.hear(due).await {
                Heard::Over => return,
                _ if self.closing => {}
                Heard::Text(text) => self.take(&text, &new_id),
                Heard::Binary(_) => self.refuse("invalid_request_error", "binary messages are not supported"),
                Heard::Due => {
                    self.line.record.violation("no message within the time limit");
                    self.closing = true;
                    self.line.close(1008, "inactivity");
                }
            }
            last_heard = Instant::now();
        }
    }

    fn refuse(&mut self, code: &str, why: &str) {
        self.line.record.violation(format!("{code}: {why}"));
        self.closing = true;
        self.line.say(&json!({"type": "error", "data": {"error": why, "code": code}}));
        self.line.close(1000, "");
    }

    fn take(&mut self, text: &str, new_id: &impl Fn() -> String) {
        match serde_json::from_str(text) {
            Ok(Message::Audio { audio, r#type: None }) => self.audio(&audio, new_id),
            Ok(Message::Audio { r#type: Some(kind), .. }) if kind == "end_of_stream" => {
                self.line.record.note("end_of_stream is not in the vendor's definition");
            }
            Ok(Message::Control { r#type, .. }) if r#type == "flush" => self.flush(new_id),
            Ok(Message::Control { r#type, prompt: Some(_) }) if r#type == "config" => {}
            _ => self.refuse("invalid_request_error", "a message that is none of the protocol's"),
        }
    }

    fn audio(&mut self, audio: &Audio, new_id: &impl Fn() -> String) {
        if audio.encoding != "audio/wav" || audio.sample_rate != self.wanted.sample_rate {
            return self.refuse("invalid_request_error", "another encoding or rate than that of the session");
        }
        let decoded = STANDARD.decode(&audio.data).ok().and_then(|bytes| self.decoder.decode(&bytes).ok());
        let Some(samples) = decoded else {
            return self.refuse("invalid_request_error", "audio that cannot be decoded");
        };
        if samples.is_empty() || self.decoder.is_split() {
            self.line.record.violation("a message without audio, or one that ends inside a sample");
        }
        self.line.record.edit(|exchange| {
            exchange.audio_bytes += samples.len() as u64 * 2;
            exchange.audio_samples += samples.len() as u64;
        });
        let found = self.recogniser.push(&samples);
        self.report(&found, new_id);
    }

    /// Ignored unless the session asked for it to be honoured.
    fn flush(&mut self, new_id: &impl Fn() -> String) {
        if !self.wanted.flush_signal {
            return self.line.record.violation("flush without flush_signal=true");
        }
        let found = self.recogniser.finalize();
        self.report(&found, new_id);
    }

    fn report(&mut self, found: &[Finding], new_id: &impl Fn() -> String) {
        for finding in found {
            match finding {
                Finding::SpeechStarted { .. } => self.signal("START_SPEECH"),
                Finding::Results(heard) if !heard.words.is_empty() => {
                    self.signal("END_SPEECH");
                    let message = self.utterance(heard, new_id());
                    self.line.say_after(&message, Duration::from_millis(self.script.delay_ms));
                }
                Finding::Results(_) | Finding::UtteranceEnd { .. } => {}
            }
        }
    }

    fn signal(&mut self, signal: &str) {
        if self.wanted.vad_signals {
            // The misspelling is on the wire.
            let data = json!({"event_type": "vad", "signal_type": signal, "occured_at": 1_730_000_000.1});
            self.line.say(&json!({"type": "events", "data": data}));
        }
    }

    fn utterance(&self, heard: &Words, id: String) -> Value {
        let text = heard.words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
        let seconds = f64::from(heard.end_ms - heard.start_ms) / 1_000.0;
        let language = match self.wanted.language.as_str() {
            "unknown" => "hi-IN",
            known => known,
        };
        json!({"type": "data", "data": {
            "request_id": id, "transcript": text, "language_code": language, "language_probability": 0.9,
            "timestamps": null, "diarized_transcript": null,
            "metrics": {"audio_duration": seconds, "processing_latency": 0.21}
        }})
    }
}

/// How this endpoint lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "prophecy", "data": {"certain": false}})
    }

    /// There are no contexts: a signal of a kind that nobody knows.
    fn to_a_stranger(&self, _genuine: &Value) -> Value {
        json!({"type": "events", "data": {"event_type": "vad", "signal_type": "STRANGE", "occured_at": 1}})
    }

    /// There are no numbers: a transcript that is none.
    fn missequenced(&self, _genuine: &Value) -> Value {
        json!({"type": "data", "data": {"request_id": "x", "transcript": null, "metrics": {"audio_duration": -3.5}}})
    }
}
