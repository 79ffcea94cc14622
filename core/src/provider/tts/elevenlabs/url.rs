//! The address of a connection and the settings of a context.

use serde_json::{Map, Value};
use url::Url;
use vox_shared::model::bot::TtsSettings;

use crate::provider::extra::{Extra, Transport, endpoint};
use crate::provider::{Failure, FailureClass};

const HOST: &str = "wss://api.elevenlabs.io";
/// The fastest model, with 32 languages.
const MODEL: &str = "eleven_flash_v2_5";
/// Models that take `language_code`; the others answer 400.
const WITH_LANGUAGE: [&str; 4] = ["eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_v3", "eleven_v4"];

/// The address without `output_format`, which follows each stream's rate.
pub(super) fn build(settings: &TtsSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let voice = settings.voice.trim();
    if voice.is_empty() || !voice.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        let detail = "elevenlabs: voice must be a voice id of the account, letters and digits";
        return Err(Failure::new(FailureClass::Refused, detail));
    }
    let base = extra.base_url(HOST, Transport::WebSocket)?;
    let mut url = endpoint(&base, &["v1", "text-to-speech", voice, "multi-stream-input"]);
    let model = if settings.model.is_empty() { MODEL } else { &settings.model };
    let mut query = url.query_pairs_mut();
    // The session cuts the reply into sentences, so each piece is spoken as it comes, without the vendor's own waiting for more.
    query
        .append_pair("model_id", model)
        .append_pair("auto_mode", "true")
        .append_pair("sync_alignment", "true");
    if let Some(code) = language_code(model, &settings.language) {
        query.append_pair("language_code", &code);
    }
    if let Some(mode) = extra.text("apply_text_normalization")? {
        query.append_pair("apply_text_normalization", mode);
    }
    if let Some(on) = extra.flag("enable_logging")? {
        query.append_pair("enable_logging", if on { "true" } else { "false" });
    }
    if let Some(seed) = extra.number("seed", 0.0..=f64::from(u32::MAX))? {
        query.append_pair("seed", &(seed as u32).to_string());
    }
    drop(query);
    Ok(url)
}

/// ISO 639-1 from BCP-47, for the models that take it.
fn language_code(model: &str, language: &str) -> Option<String> {
    let primary = language.split(['-', '_']).next()?.to_ascii_lowercase();
    let code = primary.len() == 2 && primary.chars().all(|c| c.is_ascii_lowercase());
    (code && WITH_LANGUAGE.iter().any(|with| model.starts_with(with))).then_some(primary)
}

/// The voice settings that the operator gave; the others stay as they are set on the voice itself.
pub(super) fn voice_settings(extra: &Extra<'_>) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    let ranges = [
        ("stability", 0.0..=1.0),
        ("similarity_boost", 0.0..=1.0),
        ("style", 0.0..=1.0),
        ("speed", 0.7..=1.2),
    ];
    for (key, range) in ranges {
        if let Some(value) = extra.number(key, range)? {
            settings.insert(key.into(), value.into());
        }
    }
    if let Some(on) = extra.flag("use_speaker_boost")? {
        settings.insert("use_speaker_boost".into(), on.into());
    }
    Ok(settings)
}
