//! The first message of a stream: everything that can be set is in it.

use serde_json::{Map, Value, json};
use vox_shared::catalogue::SONIOX;
use vox_shared::model::bot::SttSettings;

use crate::provider::extra::Extra;

/// Settings that are passed on under their own names.
const PASSED_ON: [&str; 4] = [
    "language_hints_strict",
    "endpoint_sensitivity",
    "endpoint_latency_adjustment_level",
    "max_endpoint_delay_ms",
];

/// The message without `sample_rate`, which each stream adds.
pub(super) fn build(settings: &SttSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let model = if settings.model.is_empty() { SONIOX.model } else { &settings.model };
    let mut fields = Map::from_iter([
        ("model".to_owned(), json!(model)),
        ("audio_format".to_owned(), json!("pcm_s16le")),
        ("num_channels".to_owned(), json!(1)),
        ("enable_endpoint_detection".to_owned(), json!(extra.flag("endpoint_detection").unwrap_or(true))),
    ]);
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let hints = hints(settings, extra);
    if !hints.is_empty() {
        put("language_hints", json!(hints));
    }
    for name in PASSED_ON {
        if let Some(value) = settings.extra.get(name).filter(|value| !value.is_null()) {
            put(name, value.clone());
        }
    }
    let terms = extra.texts("keyterms");
    let mut context = Map::new();
    if let Some(text) = extra.text("context").map(str::trim).filter(|text| !text.is_empty()) {
        context.insert("text".into(), json!(text));
    }
    if !terms.is_empty() {
        context.insert("terms".into(), json!(terms));
    }
    if !context.is_empty() {
        put("context", Value::Object(context));
    }
    if let Some(tag) = extra.text("tag").filter(|tag| !tag.is_empty()) {
        put("client_reference_id", json!(tag));
    }
    fields
}

/// The languages to expect: those of the settings, or the bot's own; `multi` expects any.
fn hints(settings: &SttSettings, extra: &Extra<'_>) -> Vec<String> {
    let given = extra.texts("language_hints");
    let own = [settings.language.as_str()];
    let languages = if given.is_empty() { own.as_slice() } else { given.as_slice() };
    let primary =
        |language: &&str| language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    languages.iter().map(primary).filter(|language| !language.is_empty() && language != "multi").collect()
}
