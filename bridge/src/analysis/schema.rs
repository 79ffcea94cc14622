//! A bot's JSON schema for its analysis.

use serde_json::Value;

/// Faults of an answer that are told.
#[cfg(feature = "schema")]
const MAX_FAULTS: usize = 20;
/// Longest place of a fault, characters.
#[cfg(feature = "schema")]
const MAX_CHARS: usize = 200;

/// What is wrong with a schema, if anything is. A reference to another document is: nothing is fetched.
#[cfg(feature = "schema")]
pub fn fault(schema: &Value) -> Option<String> {
    let error = validator(schema).err()?;
    Some(format!("is no JSON schema: {}", short(error.masked().to_string())))
}

/// Where an answer does not fit. The faults name places and rules, never values.
#[cfg(feature = "schema")]
pub fn faults(schema: &Value, answer: &Value) -> Vec<String> {
    let Ok(validator) = validator(schema) else { return vec!["the bot's schema is no JSON schema".into()] };
    let errors = validator.iter_errors(answer).take(MAX_FAULTS);
    errors
        .map(|error| {
            let path = error.instance_path().to_string();
            let place = if path.is_empty() { "/" } else { &path };
            short(format!("{place}: {}", error.masked()))
        })
        .collect()
}

/// Expressions run in linear time, whoever wrote them.
#[cfg(feature = "schema")]
fn validator(schema: &Value) -> Result<jsonschema::Validator, jsonschema::ValidationError<'_>> {
    jsonschema::options().with_pattern_options(jsonschema::PatternOptions::regex()).build(schema)
}

#[cfg(feature = "schema")]
fn short(text: String) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// This build cannot tell.
#[cfg(not(feature = "schema"))]
pub fn fault(_: &Value) -> Option<String> {
    None
}

/// This build cannot tell, and says so.
#[cfg(not(feature = "schema"))]
pub fn faults(_: &Value, _: &Value) -> Vec<String> {
    vec!["not checked: this build of the bridge has no JSON schemas (feature `schema`)".into()]
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_that_is_none_is_told() {
        let good =
            json!({"type": "object", "properties": {"mood": {"type": "string", "pattern": "^[a-z]+$"}}});
        assert_eq!(fault(&good), None);
        for bad in [
            json!({"type": "person"}),
            json!({"properties": 3}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"properties": {"a": {"pattern": "("}}}),
        ] {
            assert!(fault(&bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn faults_name_places_and_no_values() {
        let schema = json!({"type": "object", "required": ["mood"], "properties": {"score": {"type": "integer", "maximum": 10}}});
        assert_eq!(faults(&schema, &json!({"mood": "calm", "score": 3})), Vec::<String>::new());
        let found = faults(&schema, &json!({"score": "canary"}));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().any(|fault| fault.starts_with("/score: ")), "{found:?}");
        assert!(found.iter().all(|fault| !fault.contains("canary")), "{found:?}");
    }
}
