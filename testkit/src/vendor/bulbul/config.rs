//! The settings of a session, or the reason the vendor refuses them.

use serde::Deserialize;
use serde_json::{Map, Value};

const LANGUAGES: [&str; 11] =
    ["bn-IN", "en-IN", "gu-IN", "hi-IN", "kn-IN", "ml-IN", "mr-IN", "od-IN", "pa-IN", "ta-IN", "te-IN"];
const RATES: [u32; 4] = [8_000, 16_000, 22_050, 24_000];

/// What the query says.
pub(crate) struct Wanted {
    pub(crate) model: String,
    /// Whether the end of what was flushed is told.
    pub(crate) tells_end: bool,
}

/// As it comes. Null counts as absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    #[serde(alias = "language_code")]
    target_language_code: Option<String>,
    speaker: Option<String>,
    model: Option<String>,
    pace: Option<f64>,
    pitch: Option<f64>,
    loudness: Option<f64>,
    temperature: Option<f64>,
    speech_sample_rate: Option<Value>,
    output_audio_codec: Option<String>,
    output_audio_bitrate: Option<String>,
    min_buffer_size: Option<u32>,
    max_chunk_length: Option<u32>,
    enable_preprocessing: Option<bool>,
    dict_id: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// What a session asked for.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) speaker: String,
    pub(crate) sample_rate: u32,
    pub(crate) pace: f64,
}

impl Given {
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn check(&self, model: &str) -> Result<Config, String> {
        let language = self.target_language_code.as_deref().unwrap_or_default();
        if !LANGUAGES.contains(&language) {
            return Err(format!("The language '{language}' is not spoken."));
        }
        if self.model.as_deref().is_some_and(|given| given != model) {
            return Err("The model differs from the query's.".into());
        }
        let speaker = self.speaker.clone().unwrap_or_default();
        if speaker.is_empty() || speaker.chars().any(char::is_uppercase) {
            return Err("The speaker is not known; names are in lower case.".into());
        }
        let rate = self.speech_sample_rate.as_ref().ok_or("speech_sample_rate is not stated.")?;
        let rate = rate.as_u64().or(rate.as_str().and_then(|text| text.parse().ok())).unwrap_or_default();
        let sample_rate = u32::try_from(rate).ok().filter(|rate| RATES.contains(rate));
        let sample_rate = sample_rate.ok_or("The rate is not offered.")?;
        if self.output_audio_codec.as_deref() != Some("linear16") {
            return Err("This scripted server produces linear16 only.".into());
        }
        self.check_ranges(model)?;
        Ok(Config { speaker, sample_rate, pace: self.pace.unwrap_or(1.0) })
    }

    fn check_ranges(&self, model: &str) -> Result<(), String> {
        let is_old = model == "bulbul:v2";
        let within = |value: Option<f64>, least, most| value.is_none_or(|v| (least..=most).contains(&v));
        let (slowest, fastest) = if is_old { (0.3, 3.0) } else { (0.5, 2.0) };
        if !within(self.pace, slowest, fastest) {
            return Err("The pace is out of its range.".into());
        }
        if !within(self.pitch, -0.75, 0.75) || !within(self.loudness, 0.3, 3.0) {
            return Err("The pitch or loudness is out of its range.".into());
        }
        if model == "bulbul:v3" && (self.pitch.is_some() || self.loudness.is_some()) {
            return Err("bulbul:v3 has neither pitch nor loudness.".into());
        }
        if !within(self.temperature, 0.01, 1.0) || (is_old && self.temperature.is_some()) {
            return Err("The temperature is out of its range, or the model has none.".into());
        }
        if self.min_buffer_size.is_some_and(|size| !(30..=200).contains(&size)) {
            return Err("min_buffer_size must be between 30 and 200.".into());
        }
        let bitrates = ["32k", "64k", "96k", "128k", "192k"];
        if self.output_audio_bitrate.as_deref().is_some_and(|rate| !bitrates.contains(&rate)) {
            return Err("The bit rate is not offered.".into());
        }
        if self.max_chunk_length == Some(0) || self.dict_id.as_deref() == Some("") {
            return Err("max_chunk_length and dict_id must not be empty.".into());
        }
        let _either_is_fine = self.enable_preprocessing;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |model: &str, changes: Value, because: &str| {
            let mut given = json!({
                "target_language_code": "hi-IN", "speaker": "shubh", "speech_sample_rate": "16000",
                "output_audio_codec": "linear16"
            });
            for (name, value) in changes.as_object().unwrap() {
                given[name] = value.clone();
            }
            let given: Given = serde_json::from_value(given).unwrap();
            let reason = given.check(model).err().unwrap_or_default();
            assert!(reason.contains(because), "{changes}: {reason}");
            assert_eq!(reason.is_empty(), because.is_empty(), "{changes}: {reason}");
        };
        check("bulbul:v3", json!({}), "");
        check("bulbul:v3", json!({"speech_sample_rate": 8000, "temperature": 0.2}), "");
        check("bulbul:v3", json!({"target_language_code": "en-US"}), "language");
        check("bulbul:v3", json!({"speaker": "Shubh"}), "lower case");
        check("bulbul:v3", json!({"speech_sample_rate": null}), "not stated");
        check("bulbul:v3", json!({"speech_sample_rate": 44100}), "rate");
        check("bulbul:v3", json!({"output_audio_codec": "mp3"}), "linear16");
        check("bulbul:v3", json!({"pace": 2.5}), "pace");
        check("bulbul:v3", json!({"pitch": 0.1}), "pitch");
        check("bulbul:v2", json!({"pace": 2.5, "pitch": 0.1}), "");
        check("bulbul:v2", json!({"temperature": 0.2}), "temperature");
    }
}
