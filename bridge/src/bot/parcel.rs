//! A bot as a file: its settings without secrets, to be imported elsewhere. The file names the secrets that were left out, and
//! an import says what becomes of each of them: a guarded line must not open because nobody thought of its token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::model::bot::BotSettings;

use super::draft::Held;
use super::{draft, keys};
use crate::fields::{self, FieldError};

/// What the file says it is.
pub const FORMAT: &str = "vox-bot";
/// Of what is written here, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// The file. An import adds `secrets`, and may give another name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parcel {
    #[schema(example = "vox-bot")]
    pub format: String,
    #[schema(example = 1)]
    pub format_version: u32,
    /// Where it comes from; not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub origin: Option<Value>,
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// The places of the secrets that were left out, `llm.api_key`.
    #[serde(default)]
    pub secrets_needed: Vec<String>,
    /// For an import: a value for each of these places, or null to do without it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Option<String>>,
    /// For an import: another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Settings as a file.
pub fn pack(settings: &BotSettings, origin: Value) -> Parcel {
    let mut shown = keys::masked(settings);
    keys::clear_all(&mut shown);
    Parcel {
        format: FORMAT.into(),
        format_version: FORMAT_VERSION,
        origin: Some(origin),
        settings: shown,
        secrets_needed: keys::secrets_of(settings),
        secrets: BTreeMap::new(),
        name: None,
    }
}

/// Settings out of a file, by the rules of a new bot, or all that is wrong with it.
pub fn unpack(given: Map<String, Value>, held: &Held) -> Result<BotSettings, Vec<FieldError>> {
    let mut parcel: Parcel = fields::typed(Value::Object(given)).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    if parcel.format != FORMAT {
        faults.push(FieldError::new("format", format!("must be '{FORMAT}', as an export writes it")));
    }
    if parcel.format_version != FORMAT_VERSION {
        let message = format!("this bridge reads version {FORMAT_VERSION}");
        faults.push(FieldError::new("format_version", message));
    }
    for place in parcel.secrets_needed.iter().filter(|place| !parcel.secrets.contains_key(*place)) {
        let message = "was left out of the file: give its value, or null to do without it";
        faults.push(FieldError::new(format!("secrets.{place}"), message));
    }
    for (place, secret) in std::mem::take(&mut parcel.secrets) {
        let Some(secret) = secret else { continue };
        if !put(&mut parcel.settings, &place, secret) {
            let message = "the settings have no such place for a secret";
            faults.push(FieldError::new(format!("secrets.{place}"), message));
        }
    }
    if let Some(name) = parcel.name {
        parcel.settings.insert("name".into(), name.into());
    }
    let settings = draft::new(&parcel.settings, held);
    let wrong = settings.as_ref().err().into_iter().flatten();
    faults.extend(wrong.map(|f| FieldError::new(format!("settings.{}", f.path), f.message.clone())));
    match settings {
        Ok(settings) if faults.is_empty() => Ok(settings),
        _ => Err(faults),
    }
}

/// Put a secret at its place; `false` when it is none.
fn put(settings: &mut Map<String, Value>, place: &str, secret: String) -> bool {
    let Some((parents, last)) = place.rsplit_once('.') else { return false };
    if !keys::is_place(place) {
        return false;
    }
    let mut parts = parents.split('.');
    let mut at =
        settings.entry(parts.next().unwrap_or_default()).or_insert_with(|| Value::Object(Map::new()));
    for part in parts {
        let below = match at {
            Value::Object(map) => map.get_mut(part),
            Value::Array(list) => part.parse::<usize>().ok().and_then(|place| list.get_mut(place)),
            _ => None,
        };
        let Some(below) = below else { return false };
        at = below;
    }
    at.as_object_mut().map(|map| map.insert(last.to_owned(), secret.into())).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn packed() -> Map<String, Value> {
        let given = json!({
            "name": "a",
            "llm": {"provider": "openai", "api_key": "sk-0123456789abcdef", "fallbacks": [
                {"provider": "openai", "api_key": "fb-0123456789abcdef", "model": "m"}
            ]},
            "line_access": {"token": "lt-0123456789abcdef"}
        });
        let settings = draft::new(given.as_object().unwrap(), &Held::new()).unwrap();
        let parcel = serde_json::to_value(pack(&settings, json!({}))).unwrap();
        assert!(!parcel.to_string().contains("0123456789"), "{parcel}");
        parcel.as_object().unwrap().clone()
    }

    fn faults(parcel: &Map<String, Value>) -> Vec<String> {
        unpack(parcel.clone(), &Held::new()).unwrap_err().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn each_secret_that_was_left_out_is_asked_for() {
        let mut parcel = packed();
        let needed = ["llm.api_key", "llm.fallbacks.0.api_key", "line_access.token"];
        assert_eq!(parcel["secrets_needed"], json!(needed));
        let asked = faults(&parcel);
        assert_eq!(asked[..3], needed.map(|place| format!("secrets.{place}")));
        parcel.insert(
            "secrets".into(),
            json!({"llm.api_key": "sk-new-0123456789", "llm.fallbacks.0.api_key": "fb-new-0123456789", "line_access.token": null}),
        );
        parcel.insert("name".into(), "b".into());
        let settings = unpack(parcel, &Held::new()).unwrap();
        assert_eq!((settings.name.as_str(), settings.llm.api_key.expose()), ("b", "sk-new-0123456789"));
        assert_eq!(settings.llm.fallbacks[0].api_key.expose(), "fb-new-0123456789");
        assert!(settings.line_access.token.is_empty());
    }

    #[test]
    fn what_is_no_such_file_is_refused_by_its_fields() {
        let mut parcel = packed();
        parcel.insert("secrets_needed".into(), json!([]));
        parcel.insert("format".into(), "other".into());
        parcel.insert("format_version".into(), 2.into());
        parcel.insert("secrets".into(), json!({"llm.api_key": "sk-new-0123456789", "name": "x", "llm.fallbacks.9.api_key": "y", "llm.fallbacks.0.api_key": "fb-1234567890"}));
        assert_eq!(
            faults(&parcel),
            ["format", "format_version", "secrets.llm.fallbacks.9.api_key", "secrets.name"]
        );
        let bad = json!({"format": FORMAT, "format_version": 1, "settings": {"name": "", "colour": 1}});
        assert_eq!(faults(bad.as_object().unwrap()), ["settings.colour", "settings.name"]);
    }
}
