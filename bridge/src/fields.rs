//! What is wrong with the fields of something that came from outside. The domain says it, the HTTP edge sends it.

use std::error::Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;

pub use vox_shared::wire::limits::MAX_JSON_LEVELS as MAX_LEVELS;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Dotted, places in lists from 0: `stt.fallbacks.0.api_key`. `.` is the whole.
    pub path: String,
    pub message: String,
}

impl FieldError {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// A JSON value as `T`, or what is wrong with it.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| fault(&error))
}

/// What serde found wrong, and where. It tells a missing field at the object that lacks it: the path here is the field's own, as that of
/// every other fault. `.` is the whole.
pub fn fault<E: Error>(error: &serde_path_to_error::Error<E>) -> FieldError {
    let (path, message) = (dotted(error.path()), error.inner().to_string());
    // Nothing else says which field is missing: serde has the name in its sentence alone.
    let name = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let path = match name {
        Some(name) if path == "." => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => path,
    };
    FieldError::new(path, without_value(&message))
}

/// A path as every other fault has it, and as parcels and comparisons of bots name a place: `headers.1.name`, not `headers[1].name`.
pub fn dotted(path: &Path) -> String {
    let names = path.iter().map(|segment| match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => key.clone(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".to_owned(),
    });
    let path = names.collect::<Vec<_>>().join(".");
    if path.is_empty() { ".".to_owned() } else { path }
}

/// A field that was given, though perhaps as null: `None` is for one that was left out. Goes with `#[serde(default)]`.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// serde quotes the refused value, which may be a secret or a megabyte; what was expected is enough.
pub fn without_value(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    match (message.strip_prefix("invalid type: "), message.split_once("expected ")) {
        (Some(_), Some((_, expected))) => format!("wrong type, expected {expected}"),
        _ if message.starts_with("invalid value") || message.starts_with("unknown variant") => {
            match message.split_once("expected ") {
                Some((_, expected)) => format!("not a valid value, expected {expected}"),
                None => "not a valid value".into(),
            }
        }
        _ => message.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "what is refused is never read")]
    struct Asked {
        name: String,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "what is refused is never read")]
    struct Part {
        size: u8,
    }

    fn check(value: Value, path: &str) {
        assert_eq!(typed::<Asked>(value).unwrap_err().path, path);
    }

    #[test]
    fn the_path_is_that_of_the_field() {
        check(json!({}), "name");
        check(json!({"name": 1}), "name");
        check(json!({"name": "x", "nmae": 1}), "nmae");
        check(json!({"name": "x", "parts": [{"size": 1}, {}]}), "parts.1.size");
        check(json!({"name": "x", "parts": [{"size": 300}]}), "parts.0.size");
        check(json!(null), ".");
    }
}
