//! From what a client sent to settings that may be stored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vox_shared::model::bot::{ApiKey, BotSettings};

use super::keys;
use super::rules::{self, Faults};
use super::trim;
use crate::fields::{self, FieldError};

/// Vendor keys of the tenant's or the deployment's settings, which a bot need not name.
pub type Held = BTreeMap<String, ApiKey>;

/// Settings for a new bot, or all that is wrong with them.
pub fn new(given: &Map<String, Value>, held: &Held) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let settings = understood(given, &mut faults)?;
    rules::check(&keys::with_stand_ins(&settings, held), &mut faults);
    finish(settings, faults)
}

/// Settings that replace a bot's; keys that are left out stay.
pub fn replacing(
    given: &Map<String, Value>,
    stored: &BotSettings,
    held: &Held,
) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let mut settings = understood(given, &mut faults)?;
    keep_secrets(&mut settings, stored, given, &mut faults);
    rules::check(&keys::with_stand_ins(&settings, held), &mut faults);
    finish(settings, faults)
}

/// A bot's settings with a JSON merge patch (RFC 7396) applied; null resets a field to its default. What was wrong before
/// the patch may stay so: a bot that an older version took must still be renamed, guarded and switched off.
pub fn patching(
    patch: &Map<String, Value>,
    stored: &BotSettings,
    held: &Held,
) -> Result<BotSettings, Vec<FieldError>> {
    let mut faults = Faults::default();
    let mut merged = keys::masked(stored);
    // Secrets are put back after the merge, so that a patch of an address does not take its key along.
    keys::clear_all(&mut merged);
    merge(&mut merged, patch);
    let mut settings = understood(&merged, &mut faults)?;
    keep_secrets(&mut settings, stored, patch, &mut faults);
    let (mut before, mut after) = (Faults::default(), Faults::default());
    rules::check(&keys::with_stand_ins(stored, held), &mut before);
    rules::check(&keys::with_stand_ins(&settings, held), &mut after);
    faults.0.extend(after.0.into_iter().filter(|fault| !before.0.contains(fault)));
    finish(settings, faults)
}

/// Settings of a copy, with a name of its own. What else is wrong with them was so before.
pub fn named(settings: BotSettings, name: Option<String>) -> Result<BotSettings, Vec<FieldError>> {
    let name = name.unwrap_or_else(|| rules::copy_name(&settings.name));
    let patch = Map::from_iter([("name".to_owned(), Value::from(name))]);
    patching(&patch, &settings, &Held::new())
}

/// Put the secrets back that a change does not name. The lines' token is taken away by naming it (null, or empty).
fn keep_secrets(
    settings: &mut BotSettings,
    stored: &BotSettings,
    given: &Map<String, Value>,
    faults: &mut Faults,
) {
    keys::keep_stored(settings, stored, &mut faults.0);
    keys::keep_carriers(settings, stored, given, &mut faults.0);
    if keys::leaves_token(given) {
        settings.line_access.token = stored.line_access.token.clone();
    }
}

fn understood(given: &Map<String, Value>, faults: &mut Faults) -> Result<BotSettings, Vec<FieldError>> {
    let mut settings: BotSettings =
        fields::typed(Value::Object(given.clone())).map_err(|fault| vec![fault])?;
    if let Ok(Value::Object(known)) = serde_json::to_value(&settings) {
        rules::unknown_fields(given, &known, "", faults);
    }
    trim::trim_settings(&mut settings);
    Ok(settings)
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
    use vox_shared::model::bot::LlmSettings;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let given = json!({"name": "a", "system_prompt": "p", "llm": {"provider": "openai", "api_key": "sk-0123456789abcdef", "temperature": 0.2}});
        let stored = new(&map(given), &Held::new()).unwrap();
        let patch = json!({"opening_message": "Hi", "llm": {"max_tokens": 99, "temperature": null}});
        let patched = patching(&map(patch), &stored, &Held::new()).unwrap();
        assert_eq!((patched.system_prompt.as_str(), patched.opening_message.as_str()), ("p", "Hi"));
        assert_eq!((patched.llm.max_tokens, patched.llm.temperature), (99, 0.7));
        assert_eq!(patched.llm.api_key.expose(), "sk-0123456789abcdef");
        let moved = json!({"llm": {"extra": {"base_url": "https://evil.example"}}});
        assert_eq!(patching(&map(moved), &stored, &Held::new()).unwrap_err()[0].path, "llm.api_key");
    }

    #[test]
    fn what_was_wrong_before_keeps_nobody_from_changing_the_rest() {
        let stored = BotSettings {
            name: "a".into(),
            llm: LlmSettings {
                extra: Map::from_iter([("no_such_setting".to_owned(), json!(1))]),
                ..LlmSettings::default()
            },
            ..BotSettings::default()
        };
        let fault = new(&keys::masked(&stored), &Held::new()).unwrap_err().remove(0);
        let patched = patching(
            &map(json!({"enabled": false, "line_access": {"token": "line-token-1"}})),
            &stored,
            &Held::new(),
        );
        assert!(!patched.unwrap().enabled);
        let worse =
            patching(&map(json!({"llm": {"extra": {"another": 1}}})), &stored, &Held::new()).unwrap_err();
        assert_eq!(worse.len(), 1, "only the new fault is told: {worse:?}");
        assert_ne!(worse[0].path, fault.path);
    }

    #[test]
    fn the_token_of_the_lines_is_kept_until_it_is_named() {
        let given = json!({"name": "a", "line_access": {"token": "line-token-1", "addresses": ["10.0.0.1"]}});
        let stored = new(&map(given), &Held::new()).unwrap();
        let token = |patch: Value| {
            patching(&map(patch), &stored, &Held::new()).unwrap().line_access.token.expose().to_owned()
        };
        for kept in [json!({"name": "b"}), json!({"line_access": {"addresses": []}})] {
            assert_eq!(token(kept), "line-token-1");
        }
        assert_eq!(token(json!({"line_access": {"token": " line-token-2\n"}})), "line-token-2");
        for taken_away in [json!({"line_access": null}), json!({"line_access": {"token": null}})] {
            assert_eq!(token(taken_away), "");
        }
        assert_eq!(
            replacing(&map(json!({"name": "a"})), &stored, &Held::new()).unwrap().line_access.token.expose(),
            "line-token-1"
        );
        let masked = json!({"line_access": {"token": "line…en-1"}});
        assert_eq!(patching(&map(masked), &stored, &Held::new()).unwrap_err()[0].path, "line_access.token");
    }

    #[test]
    fn a_wrong_type_is_told_with_its_path_and_without_its_value() {
        let faults =
            new(&map(json!({"name": "a", "llm": {"api_key": ["sk-secret"]}})), &Held::new()).unwrap_err();
        assert_eq!(faults[0].path, "llm.api_key");
        assert!(!faults[0].message.contains("sk-secret"), "{}", faults[0].message);
    }
}
