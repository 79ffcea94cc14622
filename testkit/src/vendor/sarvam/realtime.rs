//! A session of realtime recognition: audio in, utterances out while they are spoken.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{query::Realtime, script::Script};
use crate::vendor::{
    hearing::{Decoder, Finding, Heard as Words, Recogniser, Rules},
    lies::Dialect,
    line::{Heard, Line},
};

const CHANGEABLE: [&str; 8] = [
    "language_code",
    "prompt",
    "mode",
    "stream_type",
    "endpointing",
    "threshold",
    "silence_duration_ms",
    "min_speech_duration_ms",
];

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "event")]
enum Message {
    #[serde(rename = "audio_input")]
    Audio { audio: String },
    #[serde(rename = "speech_start")]
    SpeechStart {},
    #[serde(rename = "speech_end")]
    SpeechEnd {},
    #[serde(rename = "flush")]
    Flush {},
    #[serde(rename = "config.update")]
    Update {
        #[serde(flatten)]
        changes: Map<String, Value>,
    },
    #[serde(rename = "ping")]
    Ping {},
    #[serde(rename = "end")]
    End {},
}

struct Session {
    line: Line,
    script: Arc<Script>,
    wanted: Realtime,
    decoder: Decoder,
    recogniser: Recogniser,
    id: String,
    began: Instant,
    samples: u64,
    utterance: u64,
    closing: bool,
}

/// Serve a session, or close it at once with the reason why it cannot be.
pub(crate) async fn run(
    mut line: Line,
    script: Arc<Script>,
    (wanted, id): (Result<Realtime, String>, String),
) {
    match wanted {
        Ok(wanted) => Box::pin(Session::new(line, script, (wanted, id)).run()).await,
        Err(why) => {
            line.close(4000, &why);
            while !matches!(line.hear(None).await, Heard::Over) {}
        }
    }
}

impl Session {
    fn new(line: Line, script: Arc<Script>, (wanted, id): (Realtime, String)) -> Self {
        let rules = Rules {
            interims: wanted.partials,
            endpointing_ms: (!wanted.manual).then(|| wanted.silence_ms.unwrap_or(script.silence_ms)),
            utterance_end_ms: None,
            vad_events: true,
        };
        let hearing = Arc::new(script.hearing.clone());
        Self {
            decoder: Decoder::new(wanted.encoding, wanted.sample_rate, 1),
            recogniser: Recogniser::new(hearing, rules, wanted.sample_rate),
            line,
            script,
            wanted,
            id,
            began: Instant::now(),
            samples: 0,
            utterance: 0,
            closing: false,
        }
    }

    async fn run(mut self) {
        let begin = self.begin();
        self.line.say_after(&begin, Duration::from_millis(self.script.begin_delay_ms));
        let idle = Duration::from_millis(self.script.idle_timeout_ms);
        let mut last_heard = Instant::now();
        loop {
            let due = (!self.line.is_mute() && !self.closing).then_some(last_heard + idle);
            match self.line.hear(due).await {
                Heard::Over => return,
                _ if self.closing => {}
                Heard::Text(text) => self.take(&text),
                Heard::Binary(_) => self.complain("invalid_message", "binary messages are not supported"),
                Heard::Due => {
                    self.line.record.violation("no message within the time limit");
                    self.closing = true;
                    self.line.close(1008, "inactivity");
                }
            }
            last_heard = Instant::now();
        }
    }

    fn begin(&self) -> Value {
        let config = json!({
            "model": self.wanted.model, "language_code": self.wanted.language, "encoding": "linear16",
            "sample_rate": self.wanted.sample_rate, "turn_detection": if self.wanted.manual { "manual" } else { "vad" },
            "silence_duration_ms": self.script.silence_ms, "return_timestamps": self.wanted.times
        });
        json!({"event": "session.begin", "request_id": self.id, "config": config})
    }

    /// Something is wrong and the session goes on.
    fn complain(&mut self, code: &str, why: &str) {
        self.line.record.violation(format!("{code}: {why}"));
        self.line.say(&json!({"event": "error", "code": code, "is_fatal": false, "message": why}));
    }

    fn take(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Message::Audio { audio }) => self.audio(&audio),
            Ok(Message::Ping {}) => self.line.say(&json!({"event": "pong"})),
            Ok(Message::SpeechStart {}) if self.wanted.manual => {}
            Ok(Message::SpeechEnd {} | Message::Flush {}) if self.wanted.manual => {
                let found = self.recogniser.finalize();
                self.report(&found);
            }
            Ok(Message::SpeechStart {} | Message::SpeechEnd {} | Message::Flush {}) => {
                self.complain("invalid_config", "endpointing is not manual");
            }
            Ok(Message::Update { changes }) => {
                match changes.keys().find(|name| !CHANGEABLE.contains(&name.as_str())) {
                    Some(name) => self.complain("invalid_config", &format!("'{name}' cannot be changed")),
                    None => {
                        let applied: Vec<&String> = changes.keys().collect();
                        self.line.say(&json!({"event": "config.updated", "applied": applied}));
                    }
                }
            }
            Ok(Message::End {}) => self.end(),
            Err(_) => self.complain("invalid_message", "a message that is none of the protocol's"),
        }
    }

    fn audio(&mut self, audio: &str) {
        let decoded = STANDARD.decode(audio).ok().and_then(|bytes| self.decoder.decode(&bytes).ok());
        let Some(samples) = decoded.filter(|samples| !samples.is_empty()) else {
            return self.complain("invalid_audio", "audio that cannot be decoded");
        };
        self.samples += samples.len() as u64;
        self.line.record.edit(|exchange| exchange.audio_samples += samples.len() as u64);
        if self.decoder.is_split() {
            self.line.record.violation("a message ends inside a sample");
        }
        let found = self.recogniser.push(&samples);
        self.report(&found);
    }

    fn end(&mut self) {
        let found = self.recogniser.close();
        self.report(&found);
        self.closing = true;
        let audio_s = self.samples as f64 / f64::from(self.wanted.sample_rate);
        self.line.say(&json!({
            "event": "session.end", "request_id": self.id, "total_duration_s": self.began.elapsed().as_secs_f64(),
            "total_utterances": self.utterance, "audio_duration_s": audio_s
        }));
        self.line.close(1000, "");
    }

    fn report(&mut self, found: &[Finding]) {
        for finding in found {
            match finding {
                Finding::SpeechStarted { .. } => self.signal("vad.speech_start"),
                Finding::Results(heard) if heard.words.is_empty() => {}
                Finding::Results(heard) if !heard.is_final => {
                    let message = self.transcript("transcript.partial", heard);
                    self.line.say(&message);
                }
                Finding::Results(heard) => {
                    self.signal("vad.speech_end");
                    let message = self.transcript("transcript.final", heard);
                    self.line.say_after(&message, Duration::from_millis(self.script.delay_ms));
                    self.utterance += 1;
                }
                Finding::UtteranceEnd { .. } => {}
            }
        }
    }

    fn signal(&mut self, event: &str) {
        self.line.say(&json!({"event": event, "utterance_idx": self.utterance, "confidence": 0.9}));
    }

    fn transcript(&self, event: &str, heard: &Words) -> Value {
        let text = heard.words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
        let mut message =
            json!({"event": event, "utterance_idx": self.utterance, "text": text, "language": "hi-IN"});
        if heard.is_final && self.wanted.times {
            message["start_s"] = json!(f64::from(heard.start_ms) / 1_000.0);
            message["end_s"] = json!(f64::from(heard.end_ms) / 1_000.0);
        }
        message
    }
}

/// How this endpoint lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"event": "prophecy", "certain": false})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        numbered(genuine, json!(4_000))
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        numbered(genuine, json!(-1))
    }
}

/// A transcript with another number; what is none becomes one.
fn numbered(genuine: &Value, index: Value) -> Value {
    let text = genuine.get("text").cloned().unwrap_or_else(|| json!("nobody said this"));
    json!({"event": "transcript.final", "utterance_idx": index, "text": text})
}
