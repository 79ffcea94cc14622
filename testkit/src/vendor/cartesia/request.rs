//! What a client asks for, or the reason the vendor refuses it.

use serde::Deserialize;
use serde_json::{Map, Value};

const MODELS: [&str; 5] = ["sonic-latest", "sonic-3.6", "sonic-3.5", "sonic-3", "sonic-2"];
const RATES: [u32; 6] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];
/// The longest wait for more text.
const MAX_BUFFER_MS: u64 = 5_000;

/// One message. Null counts as absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) context_id: Option<String>,
    pub(crate) cancel: Option<bool>,
    pub(crate) transcript: Option<String>,
    #[serde(rename = "continue")]
    pub(crate) goes_on: Option<bool>,
    pub(crate) flush: Option<bool>,
    model_id: Option<String>,
    voice: Option<Value>,
    output_format: Option<Format>,
    language: Option<String>,
    add_timestamps: Option<bool>,
    add_phoneme_timestamps: Option<bool>,
    use_normalized_timestamps: Option<bool>,
    max_buffer_delay_ms: Option<u64>,
    generation_config: Option<How>,
    pronunciation_dict_id: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    container: String,
    encoding: String,
    sample_rate: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    speed: Option<f64>,
    volume: Option<f64>,
    emotion: Option<String>,
}

/// What is only compared: language, buffer delay, how it is said, dictionary, and whether text is waited for and times of phonemes come.
type Rest = (Option<String>, Option<u64>, How, Option<String>, Option<bool>, Option<bool>);

/// What must be the same in all requests of a context.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) model: String,
    pub(crate) voice: String,
    pub(crate) sample_rate: u32,
    pub(crate) speed: f64,
    pub(crate) timestamps: bool,
    rest: Rest,
}

impl Request {
    /// # Errors
    /// When the text is no request of this protocol.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("Invalid JSON: {error}"))
    }

    /// What is asked for, in a session of this version.
    ///
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn fixed(&self, version: &str) -> Result<Fixed, String> {
        let model = self.model_id.clone().unwrap_or_default();
        if !MODELS.contains(&model.as_str()) {
            return Err("Model not found.".into());
        }
        let format = self.output_format.as_ref().ok_or("output_format is required.")?;
        if format.container != "raw" || format.encoding != "pcm_s16le" {
            return Err("This scripted server produces raw pcm_s16le only.".into());
        }
        if !RATES.contains(&format.sample_rate) {
            return Err("Invalid sample rate.".into());
        }
        let how = self.generation_config.clone().unwrap_or_default();
        let within = |value: Option<f64>, least, most| value.is_none_or(|v| (least..=most).contains(&v));
        if !within(how.speed, 0.6, 1.5) || !within(how.volume, 0.5, 2.0) {
            return Err("generation_config is out of range.".into());
        }
        if self.max_buffer_delay_ms.is_some_and(|ms| ms > MAX_BUFFER_MS) {
            return Err("max_buffer_delay_ms must be between 0 and 5000.".into());
        }
        if self.language.as_ref().is_some_and(|code| code.len() != 2) {
            return Err("Invalid language.".into());
        }
        Ok(Fixed {
            model,
            voice: self.voice(version)?,
            sample_rate: format.sample_rate,
            speed: how.speed.unwrap_or(1.0),
            timestamps: self.add_timestamps.unwrap_or(false),
            rest: (
                self.language.clone(),
                self.max_buffer_delay_ms,
                how,
                self.pronunciation_dict_id.clone(),
                self.add_phoneme_timestamps,
                self.use_normalized_timestamps,
            ),
        })
    }

    fn voice(&self, version: &str) -> Result<String, String> {
        let voice = self.voice.as_ref().ok_or("voice is required.")?;
        let by_mode = voice["mode"].is_string();
        // The form with a mode ends with this version.
        if by_mode && (voice["mode"] != "id" || version > "2026-03-01") {
            return Err("Invalid voice.".into());
        }
        let id = voice.as_str().or(voice["id"].as_str()).filter(|id| !id.is_empty());
        Ok(id.ok_or("Invalid voice.")?.to_owned())
    }

    /// Whether the wait for more text is stated, on which the vendor's pages disagree.
    pub(crate) fn states_its_wait(&self) -> bool {
        self.max_buffer_delay_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fixed(changes: Value) -> Result<Fixed, String> {
        let mut request = json!({
            "context_id": "c", "model_id": "sonic-3.6", "transcript": "Hi ", "continue": true,
            "voice": {"mode": "id", "id": "v"},
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
        });
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        Request::parse(&request.to_string())?.fixed("2026-03-01")
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |changes: Value, because: &str| {
            let reason = fixed(changes.clone()).unwrap_err();
            assert!(reason.contains(because), "{changes}: {reason}");
        };
        check(json!({"model_id": "sonic-99"}), "Model");
        check(json!({"voice": null}), "voice");
        check(json!({"voice": {"mode": "embedding", "embedding": [0.1]}}), "voice");
        check(
            json!({"output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 8000}}),
            "raw",
        );
        check(
            json!({"output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 9000}}),
            "rate",
        );
        check(json!({"generation_config": {"speed": 2}}), "range");
        check(json!({"max_buffer_delay_ms": 6000}), "5000");
        check(json!({"language": "en-US"}), "language");
        assert_eq!(fixed(json!({"generation_config": {"speed": 1.2}})).unwrap().speed, 1.2);
    }
}
