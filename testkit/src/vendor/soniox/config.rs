//! The first message of a session: what it asks for, or the reason the vendor refuses it.

use serde::Deserialize;
use serde_json::Value;

use crate::vendor::hearing::Encoding;

const MODELS: [&str; 2] = ["stt-rt-v5", "stt-rt-v4"];
/// The longest silence within an utterance where the session names none.
const MAX_ENDPOINT_DELAY_MS: u32 = 2_000;
/// Formats that bring their own header, of which only WAV is decoded here.
const CONTAINERS: [&str; 10] = ["auto", "aac", "aiff", "amr", "asf", "flac", "mp3", "ogg", "wav", "webm"];

/// The message as it comes. Null counts as absent.
#[derive(Debug, Deserialize)]
struct Given {
    api_key: Option<Value>,
    model: Option<String>,
    audio_format: Option<String>,
    sample_rate: Option<u32>,
    num_channels: Option<u16>,
    language_hints: Option<Vec<String>>,
    language_hints_strict: Option<bool>,
    context: Option<Value>,
    enable_speaker_diarization: Option<bool>,
    enable_language_identification: Option<bool>,
    enable_endpoint_detection: Option<bool>,
    max_endpoint_delay_ms: Option<u32>,
    endpoint_sensitivity: Option<f64>,
    endpoint_latency_adjustment_level: Option<u32>,
    translation: Option<Value>,
    client_reference_id: Option<String>,
    #[serde(flatten)]
    unknown: serde_json::Map<String, Value>,
}

/// What a session asked for.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) encoding: Encoding,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// The longest silence within an utterance; `None` where ends are not asked for.
    pub(crate) endpoint_ms: Option<u32>,
    pub(crate) identifies_language: bool,
    pub(crate) diarizes: bool,
    /// Fields that the vendor does not have.
    pub(crate) unknown: Vec<String>,
}

impl Config {
    /// Check the message.
    ///
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let given: Given = serde_json::from_str(text).map_err(|error| format!("Invalid JSON: {error}"))?;
        if given.api_key.is_some() {
            return Err("API key must not be given twice.".into());
        }
        let model = given.model.as_deref().unwrap_or_default();
        if !MODELS.contains(&model) {
            return Err("Invalid model specified.".into());
        }
        let encoding = encoding(given.audio_format.as_deref())?;
        let raw = encoding != Encoding::Container;
        if raw && (given.sample_rate.is_none() || given.num_channels.is_none()) {
            return Err("Sample rate and number of channels are required for raw audio.".into());
        }
        given.check_ranges(model)?;
        let longest = given.max_endpoint_delay_ms.unwrap_or(MAX_ENDPOINT_DELAY_MS);
        Ok(Self {
            encoding,
            sample_rate: given.sample_rate.unwrap_or_default(),
            channels: given.num_channels.unwrap_or(1),
            endpoint_ms: given.enable_endpoint_detection.unwrap_or(false).then_some(longest),
            identifies_language: given.enable_language_identification.unwrap_or(false),
            diarizes: given.enable_speaker_diarization.unwrap_or(false),
            unknown: given.unknown.into_iter().map(|(name, _)| name).collect(),
        })
    }
}

impl Given {
    fn check_ranges(&self, model: &str) -> Result<(), String> {
        if self.max_endpoint_delay_ms.is_some_and(|ms| !(500..=3000).contains(&ms)) {
            return Err("max_endpoint_delay_ms must be between 500 and 3000.".into());
        }
        if self.endpoint_sensitivity.is_some() && model != "stt-rt-v5" {
            return Err("endpoint_sensitivity is not supported by this model.".into());
        }
        if self.endpoint_sensitivity.is_some_and(|level| !(-1.0..=1.0).contains(&level)) {
            return Err("endpoint_sensitivity must be between -1 and 1.".into());
        }
        if self.endpoint_latency_adjustment_level.is_some_and(|level| level > 3) {
            return Err("endpoint_latency_adjustment_level must be between 0 and 3.".into());
        }
        let is_code = |hint: &String| hint.len() == 2 && hint.chars().all(|c| c.is_ascii_lowercase());
        let hints = self.language_hints.as_deref().unwrap_or_default();
        if !hints.iter().all(is_code) {
            return Err("Invalid language hint.".into());
        }
        if self.language_hints_strict == Some(true) && hints.is_empty() {
            return Err("language_hints_strict requires language_hints.".into());
        }
        if self.context.as_ref().is_some_and(|context| !context.is_object() && !context.is_string()) {
            return Err("Invalid context.".into());
        }
        if self.client_reference_id.as_ref().is_some_and(|id| id.len() > 256) {
            return Err("client_reference_id is too long.".into());
        }
        if self.translation.is_some() {
            return Err("This scripted server does not translate; leave translation out.".into());
        }
        Ok(())
    }
}

fn encoding(format: Option<&str>) -> Result<Encoding, String> {
    match format {
        Some("pcm_s16le") => Ok(Encoding::Linear16),
        Some("pcm_s32le") => Ok(Encoding::Linear32),
        Some("mulaw") => Ok(Encoding::Mulaw),
        Some("alaw") => Ok(Encoding::Alaw),
        Some(name) if CONTAINERS.contains(&name) => Ok(Encoding::Container),
        Some(name) if name.starts_with("pcm_") => Err(format!(
            "This scripted server does not decode '{name}'; use pcm_s16le, pcm_s32le, mulaw, alaw or a WAV container."
        )),
        _ => Err("Invalid audio format.".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(changes: Value) -> Result<Config, String> {
        let mut message = json!({"model": "stt-rt-v5", "audio_format": "pcm_s16le", "sample_rate": 16000, "num_channels": 1});
        for (name, value) in changes.as_object().unwrap() {
            message[name] = value.clone();
        }
        Config::parse(&message.to_string())
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |changes: Value, because: &str| {
            let reason = parse(changes.clone()).unwrap_err();
            assert!(reason.contains(because), "{changes}: {reason}");
        };
        check(json!({"model": "stt-rt-v99"}), "model");
        check(json!({"model": null}), "model");
        check(json!({"api_key": "k"}), "twice");
        check(json!({"audio_format": "pcm"}), "format");
        check(json!({"sample_rate": null}), "required");
        check(json!({"num_channels": null}), "required");
        check(json!({"sample_rate": "16000"}), "Invalid JSON");
        check(json!({"max_endpoint_delay_ms": 100}), "500");
        check(json!({"endpoint_sensitivity": 2}), "-1");
        check(json!({"model": "stt-rt-v4", "endpoint_sensitivity": 0}), "not supported");
        check(json!({"endpoint_latency_adjustment_level": 4}), "0 and 3");
        check(json!({"language_hints": ["en-US"]}), "hint");
        check(json!({"language_hints_strict": true}), "requires");
    }

    #[test]
    fn null_is_absent_and_unknown_fields_are_noticed() {
        let config =
            parse(json!({"language_hints": null, "enable_endpoint_detection": true, "endpointing": 1}))
                .unwrap();
        assert_eq!((config.endpoint_ms, config.unknown), (Some(2_000), vec!["endpointing".to_owned()]));
    }
}
