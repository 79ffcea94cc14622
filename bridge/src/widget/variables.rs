//! What a page tells the bot: `call.*` in its texts. Anybody can open the page's tools and tell something else, so it is little, and none
//! of it is the name of something that the bridge goes by.

use serde_json::{Map, Value};

use crate::fields::FieldError;

const MOST: usize = 20;
/// Longest name, characters.
const MAX_NAME: usize = 40;
/// Longest text, characters.
const MAX_TEXT: usize = 500;
/// Of all names and texts together, characters.
const MAX_ALL: usize = 4_000;
/// What lines of telephones tell, and what calls are found by.
const OF_LINES: [&str; 13] = [
    "callerId",
    "caller_id",
    "streamId",
    "stream_id",
    "callDirection",
    "direction",
    "did",
    "to_number",
    "from_number",
    "external_call_id",
    "room_name",
    "answered_at",
    "transport",
];

/// What is wrong with them.
pub fn faults(variables: &Map<String, Value>) -> Vec<FieldError> {
    if variables.len() > MOST {
        return vec![FieldError::new("variables", format!("{MOST} at most"))];
    }
    let (mut faults, mut all) = (Vec::new(), 0);
    for (name, value) in variables {
        // A name of somebody else's is not repeated at length.
        let path = format!("variables.{}", name.chars().take(MAX_NAME).collect::<String>());
        let fault = fault_of_name(name).map(str::to_owned).or_else(|| fault_of_value(value));
        all += name.chars().count() + size(value);
        faults.extend(fault.map(|message| FieldError::new(path, message)));
    }
    if faults.is_empty() && all > MAX_ALL {
        faults.push(FieldError::new(
            "variables",
            format!("{MAX_ALL} characters at most, names and values together"),
        ));
    }
    faults
}

fn fault_of_name(name: &str) -> Option<&'static str> {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let goes_on = chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !begins || !goes_on || name.len() > MAX_NAME {
        return Some("a name is a letter, and letters, digits or '_' after it, 40 at most");
    }
    OF_LINES.contains(&name).then_some("is told by the line itself; choose another name")
}

fn fault_of_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.chars().count() > MAX_TEXT => {
            Some(format!("{MAX_TEXT} characters at most"))
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) => None,
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Some("must be a text, a number, true or false".into())
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        other => other.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(variables: Value, expected: &[&str]) {
        let told = faults(variables.as_object().unwrap());
        let paths: Vec<&str> = told.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, expected, "{variables}");
    }

    #[test]
    fn few_short_plain_values_are_taken() {
        check(json!({}), &[]);
        check(json!({"name": "Asha", "due": 1200, "member": true, "long": "ü".repeat(500)}), &[]);
        check(json!({"long": "x".repeat(501)}), &["variables.long"]);
        check(
            json!({"list": [], "none": null, "map": {}}),
            &["variables.list", "variables.map", "variables.none"],
        );
        check(json!({"_campaign_id": "x"}), &["variables._campaign_id"]);
        check(json!({"callerId": "+1"}), &["variables.callerId"]);
        check(json!({"a-b": 1, "1a": 1, "": 1}), &["variables.", "variables.1a", "variables.a-b"]);
        let many: Map<String, Value> = (0..21).map(|n| (format!("v{n}"), json!(n))).collect();
        check(Value::Object(many), &["variables"]);
        let large: Map<String, Value> = (0..9).map(|n| (format!("v{n}"), json!("x".repeat(450)))).collect();
        check(Value::Object(large), &["variables"]);
    }
}
