//! The form in which an answer is asked for.

use serde_json::{Map, Value};

use super::{given, is_function_name, missing, wrong_type};
use crate::vendor::openai::refusal::Refusal;
use crate::vendor::openai::script::Script;

const FIELD: &str = "response_format";
/// In a script's `unknown_fields`: the server knows JSON and no schemas.
const SCHEMA_FORM: &str = "response_format.json_schema";

/// Check `response_format` as the vendor does.
pub(super) fn check_format(fields: &Map<String, Value>, script: &Script) -> Result<(), Refusal> {
    let Some(format) = given(fields, FIELD) else { return Ok(()) };
    let Value::Object(parts) = format else { return Err(wrong_type(FIELD, "an object", format)) };
    match parts.get("type").and_then(Value::as_str) {
        None => Err(missing(format!("{FIELD}.type"))),
        Some("text") => Ok(()),
        Some("json_object") if !says_json(fields) => {
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
            Err(Refusal::invalid("messages", None, message))
        }
        Some("json_object") => Ok(()),
        Some("json_schema") if script.unknown_fields.iter().any(|field| field == SCHEMA_FORM) => {
            let message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.";
            Err(Refusal::invalid(FIELD, None, message))
        }
        Some("json_schema") => check_schema(parts.get("json_schema").unwrap_or(&Value::Null)),
        Some(other) => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: 'json_object', 'json_schema', and 'text'."
            );
            Err(Refusal::invalid(format!("{FIELD}.type"), Some("invalid_value"), message))
        }
    }
}

fn says_json(fields: &Map<String, Value>) -> bool {
    fields.get("messages").is_some_and(|messages| messages.to_string().to_lowercase().contains("json"))
}

fn check_schema(declared: &Value) -> Result<(), Refusal> {
    let Value::Object(declared) = declared else { return Err(missing(format!("{FIELD}.json_schema"))) };
    let name = declared.get("name").and_then(Value::as_str).unwrap_or_default();
    if !is_function_name(name) {
        let field = format!("{FIELD}.json_schema.name");
        let message = format!("Invalid '{field}': string does not match pattern '^[a-zA-Z0-9_-]+$'.");
        return Err(Refusal::invalid(field, Some("invalid_value"), message));
    }
    let schema = declared.get("schema").unwrap_or(&Value::Null);
    if schema["type"] != "object" {
        return Err(invalid_schema(name, "schema must be a JSON Schema of 'type: \"object\"'"));
    }
    if declared.get("strict") == Some(&Value::Bool(true)) { check_strict(name, schema) } else { Ok(()) }
}

/// In strict mode every property of every object is required, and no other is allowed.
fn check_strict(name: &str, schema: &Value) -> Result<(), Refusal> {
    if schema["type"] == "object" {
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if schema["additionalProperties"] != Value::Bool(false) {
            return Err(invalid_schema(
                name,
                "'additionalProperties' is required to be supplied and to be false",
            ));
        }
        if let Some(left_out) = properties.keys().find(|property| !required.contains(&property.as_str())) {
            let why = format!("'required' must include every key in properties; missing '{left_out}'");
            return Err(invalid_schema(name, &why));
        }
        properties.values().try_for_each(|property| check_strict(name, property))?;
    }
    match &schema["items"] {
        Value::Null => Ok(()),
        items => check_strict(name, items),
    }
}

fn invalid_schema(name: &str, why: &str) -> Refusal {
    let message = format!("Invalid schema for response_format '{name}': {why}.");
    Refusal::invalid(FIELD, Some("invalid_json_schema"), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(format: Value, param: Option<&str>) {
        let body =
            json!({"messages": [{"role": "user", "content": "as JSON please"}], "response_format": format});
        let found = check_format(body.as_object().unwrap(), &Script::default());
        assert_eq!(found.err().and_then(|refusal| refusal.param).as_deref(), param, "{format}");
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let schema = |strict: bool, schema: Value| json!({"type": "json_schema", "json_schema": {"name": "a", "strict": strict, "schema": schema}});
        let loose = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let strict = json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {},
            "required": [], "additionalProperties": false}}}, "required": ["a"], "additionalProperties": false});
        check(json!({"type": "json_object"}), None);
        check(schema(false, loose.clone()), None);
        check(schema(true, strict), None);
        check(schema(true, loose), Some("response_format"));
        check(schema(false, json!({"type": "array"})), Some("response_format"));
        check(json!({"type": "xml"}), Some("response_format.type"));
        check(json!("json"), Some("response_format"));
        check(json!({"type": "json_schema"}), Some("response_format.json_schema"));
        let silent = json!({"messages": [{"role": "user", "content": "hello"}], "response_format": {"type": "json_object"}});
        assert!(check_format(silent.as_object().unwrap(), &Script::default()).is_err());
    }
}
