//! From what a client sent to settings that may be stored.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use vox_shared::model::bot::BotSettings;

use super::keys;
use super::rules::{self, Faults};
use crate::edge::body::without_value;
use crate::error::FieldError;

/// Settings for a new bot, or all that is wrong with them.
pub fn new(given: &Map<String, Value>) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let settings = understood(given, &mut faults)?;
    rules::check(&settings, &mut faults);
    finish(settings, faults)
}

/// Settings that replace a bot's; keys that are left out stay.
pub fn replacing(given: &Map<String, Value>, stored: &BotSettings) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let mut settings = understood(given, &mut faults)?;
    keys::keep_stored(&mut settings, stored, &mut faults.0);
    rules::check(&settings, &mut faults);
    finish(settings, faults)
}

/// A bot's settings with a JSON merge patch (RFC 7396) applied; null resets a field to its default.
pub fn patching(patch: &Map<String, Value>, stored: &BotSettings) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let mut merged = keys::masked(stored);
    // Keys are put back after the merge, so that a patch of the address does not take the key along.
    for section in ["stt", "llm", "tts"] {
        merged.get_mut(section).and_then(Value::as_object_mut).into_iter().for_each(keys::clear);
    }
    merge(&mut merged, patch);
    let mut settings = understood(&merged, &mut faults)?;
    keys::keep_stored(&mut settings, stored, &mut faults.0);
    rules::check(&settings, &mut faults);
    finish(settings, faults)
}

fn understood(given: &Map<String, Value>, faults: &mut Faults) -> Result<BotSettings, Vec<FieldError>> {
    let settings: BotSettings = typed(Value::Object(given.clone()))?;
    if let Ok(Value::Object(known)) = serde_json::to_value(&settings) {
        rules::unknown_fields(given, &known, "", faults);
    }
    Ok(settings)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Vec<FieldError>> {
    serde_path_to_error::deserialize(value)
        .map_err(|e| vec![FieldError::new(e.path().to_string(), without_value(&e.inner().to_string()))])
}

fn finish(settings: BotSettings, faults: Faults) -> Result<BotSettings, Vec<FieldError>> {
    if faults.0.is_empty() { Ok(settings) } else { Err(faults.0) }
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(name), value) {
            (_, Value::Null) => {
                target.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let given = json!({"name": "a", "system_prompt": "p", "llm": {"provider": "openai", "api_key": "sk-0123456789abcdef", "temperature": 0.2}});
        let stored = new(&map(given)).unwrap();
        let patch = json!({"opening_message": "Hi", "llm": {"max_tokens": 99, "temperature": null}});
        let patched = patching(&map(patch), &stored).unwrap();
        assert_eq!((patched.system_prompt.as_str(), patched.opening_message.as_str()), ("p", "Hi"));
        assert_eq!((patched.llm.max_tokens, patched.llm.temperature), (99, 0.7));
        assert_eq!(patched.llm.api_key.expose(), "sk-0123456789abcdef");
        let moved = json!({"llm": {"extra": {"base_url": "https://evil.example"}}});
        assert_eq!(patching(&map(moved), &stored).unwrap_err()[0].path, "llm.api_key");
    }

    #[test]
    fn a_wrong_type_is_told_with_its_path_and_without_its_value() {
        let faults = new(&map(json!({"name": "a", "llm": {"api_key": ["sk-secret"]}}))).unwrap_err();
        assert_eq!(faults[0].path, "llm.api_key");
        assert!(!faults[0].message.contains("sk-secret"), "{}", faults[0].message);
    }
}
