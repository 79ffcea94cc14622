//! The address of a connection and the settings of a context.

use serde_json::{Map, Value};
use url::Url;
use vox_shared::catalogue::ELEVENLABS;
use vox_shared::model::bot::TtsSettings;

use crate::provider::Failure;
use crate::provider::extra::{Extra, Transport, check, endpoint};

/// Models that take `language_code`; the others answer 400.
const WITH_LANGUAGE: [&str; 4] = ["eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_v3", "eleven_v4"];

/// The address without `output_format`, which follows each stream's rate.
pub(super) fn build(settings: &TtsSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let voice = settings.voice.trim();
    check(&ELEVENLABS, ELEVENLABS.voice_fault(voice).map(|fault| format!("voice {fault}")))?;
    let base = extra.base_url(Transport::WebSocket);
    let mut url = endpoint(&base, &["v1", "text-to-speech", voice, "multi-stream-input"]);
    let model = if settings.model.is_empty() { ELEVENLABS.model } else { &settings.model };
    let mut query = url.query_pairs_mut();
    // The session cuts the reply into sentences, so each piece is spoken as it comes, without the vendor's own waiting for more.
    query
        .append_pair("model_id", model)
        .append_pair("auto_mode", "true")
        .append_pair("sync_alignment", "true");
    if let Some(code) = language_code(model, &settings.language) {
        query.append_pair("language_code", &code);
    }
    if let Some(mode) = extra.text("apply_text_normalization").filter(|mode| !mode.is_empty()) {
        query.append_pair("apply_text_normalization", mode);
    }
    if let Some(on) = extra.flag("enable_logging") {
        query.append_pair("enable_logging", if on { "true" } else { "false" });
    }
    if let Some(seed) = extra.number("seed") {
        query.append_pair("seed", &(seed as u32).to_string());
    }
    drop(query);
    Ok(url)
}

/// ISO 639-1 from BCP-47, for the models that take it.
pub(super) fn language_code(model: &str, language: &str) -> Option<String> {
    let primary = language.split(['-', '_']).next()?.to_ascii_lowercase();
    let code = primary.len() == 2 && primary.chars().all(|c| c.is_ascii_lowercase());
    (code && WITH_LANGUAGE.iter().any(|with| model.starts_with(with))).then_some(primary)
}

/// The voice settings that the operator gave; the others stay as they are set on the voice itself.
pub(super) fn voice_settings(extra: &Extra<'_>) -> Map<String, Value> {
    let mut settings = Map::new();
    for key in ["stability", "similarity_boost", "style", "speed"] {
        if let Some(value) = extra.number(key) {
            settings.insert(key.into(), value.into());
        }
    }
    if let Some(on) = extra.flag("use_speaker_boost") {
        settings.insert("use_speaker_boost".into(), on.into());
    }
    settings
}
