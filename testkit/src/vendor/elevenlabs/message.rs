//! What clients send on the WebSockets.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal::Trouble;

const MIN_SCHEDULED_CHARS: u64 = 50;
const MAX_SCHEDULED_CHARS: u64 = 500;
/// Ranges of the voice settings.
const RANGES: &[(&str, f64, f64)] =
    &[("stability", 0.0, 1.0), ("similarity_boost", 0.0, 1.0), ("style", 0.0, 1.0), ("speed", 0.7, 1.2)];

/// One message, of either endpoint. A null is as good as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) text: Option<String>,
    pub(crate) context_id: Option<String>,
    pub(crate) flush: Option<bool>,
    pub(crate) try_trigger_generation: Option<bool>,
    pub(crate) close_context: Option<bool>,
    pub(crate) close_socket: Option<bool>,
    voice_settings: Option<Map<String, Value>>,
    generation_config: Option<GenerationConfig>,
    pronunciation_dictionary_locators: Option<Vec<Value>>,
    #[serde(rename = "xi-api-key", alias = "xi_api_key")]
    pub(crate) api_key: Option<String>,
    pub(crate) authorization: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    chunk_length_schedule: Option<Vec<u64>>,
}

/// The settings of one context.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Speed of the voice, 1.0 the usual.
    pub(crate) speed: f64,
    /// Characters buffered before each generation.
    pub(crate) schedule: Vec<usize>,
}

impl Message {
    /// # Errors
    /// When the text is not a message of this protocol.
    pub(crate) fn parse(text: &str) -> Result<Self, Trouble> {
        serde_json::from_str(text)
            .map_err(|error| Trouble::new("invalid_message", format!("Could not parse the message: {error}")))
    }

    /// Whether it carries what only the first message of a context may carry.
    pub(crate) fn has_settings(&self) -> bool {
        self.voice_settings.is_some()
            || self.generation_config.is_some()
            || self.pronunciation_dictionary_locators.is_some()
    }

    /// # Errors
    /// When a setting is out of its range.
    pub(crate) fn settings(&self) -> Result<Settings, Trouble> {
        let given = self.voice_settings.clone().unwrap_or_default();
        for (name, least, most) in RANGES {
            let Some(value) = given.get(*name).filter(|value| !value.is_null()) else { continue };
            if !value.as_f64().is_some_and(|value| (*least..=*most).contains(&value)) {
                let message = format!(
                    "Invalid setting for {name} received, expected to be greater or equal to {least} and less or equal to {most}, received {value}"
                );
                return Err(Trouble::new("invalid_voice_settings", message));
            }
        }
        let schedule =
            self.generation_config.as_ref().and_then(|config| config.chunk_length_schedule.clone());
        let schedule = schedule.unwrap_or_else(|| vec![120, 160, 250, 290]);
        let in_range = |chars: &u64| (MIN_SCHEDULED_CHARS..=MAX_SCHEDULED_CHARS).contains(chars);
        if schedule.is_empty() || !schedule.iter().all(in_range) {
            let message = "chunk_length_schedule must have values between 50 and 500.";
            return Err(Trouble::new("invalid_generation_config", message));
        }
        Ok(Settings {
            speed: given.get("speed").and_then(Value::as_f64).unwrap_or(1.0),
            schedule: schedule.into_iter().map(|chars| chars as usize).collect(),
        })
    }
}
