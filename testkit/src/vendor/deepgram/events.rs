//! The JSON of the live endpoint's messages.

use serde_json::{Value, json};

use super::query::Wanted;
use crate::vendor::{
    hearing::{Finding, Heard, TimedWord, bare},
    lies::Dialect,
};

const MODEL_VERSION: &str = "2025-07-31.0";

/// What every message of one session carries, and how its texts are shaped.
pub(crate) struct Voice {
    pub(crate) request_id: String,
    pub(crate) model_uuid: String,
    pub(crate) wanted: Wanted,
    /// Channels reported separately.
    pub(crate) reported_channels: usize,
}

impl Voice {
    pub(crate) fn event(&self, channel: usize, finding: &Finding) -> Value {
        let channels = json!([channel, self.reported_channels]);
        match finding {
            Finding::SpeechStarted { at_ms } => {
                json!({"type": "SpeechStarted", "channel": channels, "timestamp": seconds(*at_ms)})
            }
            Finding::UtteranceEnd { last_word_end_ms } => {
                let end = last_word_end_ms.map_or(json!(-1), |end_ms| json!(seconds(end_ms)));
                json!({"type": "UtteranceEnd", "channel": channels, "last_word_end": end})
            }
            Finding::Results(heard) => self.results(channels, heard),
        }
    }

    pub(crate) fn metadata(&self, created: &str, duration_s: f64, channels: u16) -> Value {
        // The digest identifies the audio for the vendor; nobody can check it, so the request stands in.
        let sha256 = format!("{:0>64}", self.request_id.replace('-', ""));
        json!({
            "type": "Metadata", "transaction_key": "deprecated", "request_id": self.request_id,
            "sha256": sha256, "created": created, "duration": duration_s, "channels": channels
        })
    }

    pub(crate) fn configured(&self, keyterms: &[String]) -> Value {
        json!({"type": "ConfigureSuccess", "request_id": self.request_id, "keyterms": keyterms})
    }

    pub(crate) fn not_configured(&self, code: &str, description: &str) -> Value {
        json!({
            "type": "ConfigureFailure", "request_id": self.request_id, "code": code, "description": description
        })
    }

    fn results(&self, channel_index: Value, heard: &Heard) -> Value {
        let mut alternative = json!({
            "transcript": self.transcript(&heard.words),
            "confidence": heard.confidence,
            "words": heard.words.iter().map(|word| self.word(word)).collect::<Vec<_>>(),
        });
        if self.wanted.language == "multi" {
            let languages = if heard.words.is_empty() { json!([]) } else { json!(["en"]) };
            alternative["languages"] = languages;
            alternative["languages_hinted"] = json!(self.wanted.language_hints);
        }
        let mut results = json!({
            "type": "Results",
            "channel_index": channel_index,
            "start": seconds(heard.start_ms),
            "duration": seconds(heard.end_ms - heard.start_ms),
            "is_final": heard.is_final,
            "speech_final": heard.speech_final,
            "from_finalize": heard.from_finalize,
            "channel": {"alternatives": [alternative]},
            "metadata": self.model(),
        });
        if self.wanted.detect_entities && heard.is_final {
            results["entities"] = json!([]);
        }
        results
    }

    fn model(&self) -> Value {
        let (arch, variant) = match self.wanted.model.rsplit_once('-') {
            Some((arch, variant)) if variant.parse::<u32>().is_err() => (arch, variant),
            _ => (self.wanted.model.as_str(), "general"),
        };
        let mut model = json!({
            "request_id": self.request_id,
            "model_uuid": self.model_uuid,
            "model_info": {"name": format!("{variant}-{arch}"), "version": MODEL_VERSION, "arch": arch},
        });
        if self.wanted.diarize {
            model["diarize_info"] = json!({"model_uuid": self.model_uuid, "arch": "v1"});
        }
        model
    }

    fn transcript(&self, words: &[TimedWord]) -> String {
        let shaped = words
            .iter()
            .map(|word| if self.wanted.punctuated { word.word.clone() } else { bare(&word.word) });
        shaped.collect::<Vec<_>>().join(" ")
    }

    fn word(&self, timed: &TimedWord) -> Value {
        let mut word = json!({
            "word": bare(&timed.word),
            "start": seconds(timed.start_ms),
            "end": seconds(timed.end_ms),
            "confidence": timed.confidence,
        });
        if self.wanted.punctuated {
            word["punctuated_word"] = json!(timed.word);
        }
        if self.wanted.diarize {
            word["speaker"] = json!(0);
        }
        if self.wanted.language == "multi" {
            word["language"] = json!("en");
        }
        word
    }
}

/// The answer to a text message that cannot be parsed.
pub(crate) fn schema_error(description: &str, original: &str) -> Value {
    json!({"type": "Error", "variant": "SchemaError", "description": description, "message": original})
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1_000.0
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "Prophecy", "channel_index": [0, 1], "content": {"certain": false}})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut event = genuine.clone();
        let field = if genuine.get("channel_index").is_some() { "channel_index" } else { "channel" };
        event[field] = json!([7, 8]);
        event
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let mut event = genuine.clone();
        event["start"] = json!(-3.5);
        event["duration"] = json!(-1.0);
        event
    }
}
