//! The first message of a stream, or the reason the vendor refuses it.

use serde::Deserialize;
use serde_json::{Map, Value};

const MODELS: [&str; 3] = ["tts-rt-v2", "tts-rt-v1", "tts-rt-v1-preview"];
const RATES: [u32; 5] = [8_000, 16_000, 24_000, 44_100, 48_000];

/// As it comes. Null counts as absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    api_key: Option<Value>,
    pub(crate) stream_id: String,
    model: Option<String>,
    language: Option<String>,
    voice: Option<String>,
    audio_format: Option<String>,
    sample_rate: Option<u32>,
    bitrate: Option<u32>,
    speed: Option<f64>,
    reduce_silence: Option<bool>,
    return_timestamps: Option<bool>,
    client_reference_id: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// What a stream asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) voice: String,
    pub(crate) sample_rate: u32,
    pub(crate) speed: f64,
    pub(crate) timestamps: bool,
}

impl Given {
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn check(&self) -> Result<Wanted, String> {
        if self.api_key.is_some() {
            return Err("API key must not be given twice.".into());
        }
        if self.stream_id.is_empty() || self.stream_id.len() > 256 {
            return Err("stream_id must have 1 to 256 characters.".into());
        }
        let model = self.model.as_deref().unwrap_or_default();
        if !MODELS.contains(&model) {
            return Err("Invalid model specified.".into());
        }
        if self.language.as_ref().is_none_or(|code| code.len() != 2) {
            return Err("Invalid language.".into());
        }
        if self.audio_format.as_deref() != Some("pcm_s16le") || self.bitrate.is_some() {
            return Err("This scripted server produces pcm_s16le only.".into());
        }
        let sample_rate = self.sample_rate.filter(|rate| RATES.contains(rate));
        let sample_rate = sample_rate.ok_or("Invalid sample rate.")?;
        if self.speed.is_some_and(|speed| !(0.7..=1.3).contains(&speed)) {
            return Err("speed must be between 0.7 and 1.3.".into());
        }
        if self.reduce_silence.is_some() && model != "tts-rt-v2" {
            return Err("reduce_silence is not supported by this model.".into());
        }
        if self.client_reference_id.as_ref().is_some_and(|id| id.len() > 256) {
            return Err("client_reference_id is too long.".into());
        }
        let voice = self.voice.clone().filter(|voice| !voice.is_empty()).ok_or("Invalid voice.")?;
        Ok(Wanted {
            voice,
            sample_rate,
            speed: self.speed.unwrap_or(1.0),
            timestamps: self.return_timestamps.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |changes: Value, because: &str| {
            let mut given = json!({
                "stream_id": "s", "model": "tts-rt-v2", "language": "en", "voice": "Adrian", "audio_format": "pcm_s16le",
                "sample_rate": 16000
            });
            for (name, value) in changes.as_object().unwrap() {
                given[name] = value.clone();
            }
            let given: Given = serde_json::from_value(given).unwrap();
            let reason = given.check().err().unwrap_or_default();
            assert!(reason.contains(because), "{changes}: {reason}");
            assert_eq!(reason.is_empty(), because.is_empty(), "{changes}: {reason}");
        };
        check(json!({"speed": 1.3, "reduce_silence": true}), "");
        check(json!({"api_key": "k"}), "twice");
        check(json!({"model": "tts-rt-v9"}), "model");
        check(json!({"language": "en-US"}), "language");
        check(json!({"voice": ""}), "voice");
        check(json!({"audio_format": "mp3"}), "pcm_s16le");
        check(json!({"sample_rate": 22050}), "rate");
        check(json!({"speed": 2}), "speed");
        check(json!({"model": "tts-rt-v1", "reduce_silence": false}), "not supported");
    }
}
