//! The JSON of the messages.

use serde_json::{Value, json};

use super::query::{Thresholds, Wanted};
use crate::vendor::{hearing::TimedWord, lies::Dialect};

/// What every message of one session carries: the request, and its own number.
pub(crate) struct Voice {
    pub(crate) request_id: String,
    pub(crate) sequence: u64,
}

impl Voice {
    fn message(&mut self, kind: &str, fields: Value) -> Value {
        let mut message = fields;
        message["type"] = json!(kind);
        message["request_id"] = json!(self.request_id);
        message["sequence_id"] = json!(self.sequence);
        self.sequence += 1;
        message
    }

    pub(crate) fn connected(&mut self) -> Value {
        self.message("Connected", json!({}))
    }

    pub(crate) fn turn(
        &mut self,
        event: &str,
        (index, end_ms): (u64, u32),
        words: &[TimedWord],
        wanted: &Wanted,
    ) -> Value {
        let text = words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
        let told: Vec<Value> = words
            .iter()
            .map(|word| {
                json!({"word": word.word, "confidence": word.confidence, "start": seconds(word.start_ms),
                    "end": seconds(word.end_ms)})
            })
            .collect();
        let confidence = match event {
            "EndOfTurn" => 0.86,
            "EagerEndOfTurn" => 0.5,
            _ => 0.1,
        };
        let mut fields = json!({
            "event": event, "turn_index": index, "audio_window_start": 0.0, "audio_window_end": seconds(end_ms),
            "transcript": text, "words": told, "end_of_turn_confidence": confidence
        });
        if wanted.multilingual {
            fields["languages"] = json!(["en"]);
            fields["languages_hinted"] = json!(wanted.hints);
        }
        self.message("TurnInfo", fields)
    }

    pub(crate) fn configured(
        &mut self,
        thresholds: Thresholds,
        keyterms: &[String],
        hints: &[String],
    ) -> Value {
        let told = json!({"eot_threshold": thresholds.end, "eager_eot_threshold": thresholds.eager,
            "eot_timeout_ms": thresholds.timeout_ms});
        self.message(
            "ConfigureSuccess",
            json!({"thresholds": told, "keyterms": keyterms, "language_hints": hints, "numerals": false}),
        )
    }

    pub(crate) fn not_configured(&mut self, description: &str) -> Value {
        self.message("ConfigureFailure", json!({"code": "INVALID_CONFIGURATION", "description": description}))
    }

    pub(crate) fn error(&mut self, code: &str, description: &str) -> Value {
        self.message("Error", json!({"code": code, "description": description}))
    }
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1_000.0
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "Prophecy", "certain": false})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["turn_index"] = json!(4_000);
        message
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["turn_index"] = json!(-1);
        message["sequence_id"] = json!(-7);
        message
    }
}
