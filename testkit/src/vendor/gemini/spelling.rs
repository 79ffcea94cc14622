//! The vendor takes every name of its protocol in two spellings, `maxOutputTokens` and `max_output_tokens`. Here all become the first.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Names of more than one word.
const NAMES: &[&str] = &[
    "allowedFunctionNames",
    "cachedContent",
    "candidateCount",
    "codeExecution",
    "displayName",
    "expireTime",
    "fileData",
    "frequencyPenalty",
    "functionCall",
    "functionCallingConfig",
    "functionDeclarations",
    "functionResponse",
    "generationConfig",
    "googleSearch",
    "includeThoughts",
    "inlineData",
    "kmsKeyName",
    "maxOutputTokens",
    "parametersJsonSchema",
    "partMetadata",
    "presencePenalty",
    "responseJsonSchema",
    "responseMimeType",
    "responseSchema",
    "safetySettings",
    "stopSequences",
    "systemInstruction",
    "thinkingBudget",
    "thinkingConfig",
    "thinkingLevel",
    "thoughtSignature",
    "toolConfig",
    "topK",
    "topP",
    "urlContext",
];
/// What stands in these is the client's own, name by name.
const FREE: &[&str] =
    &["args", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "responseSchema"];

/// The object that a body is.
///
/// # Errors
/// The vendor's refusal where it is none.
pub(crate) fn read(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(spelled(fields)),
        _ => Err(Refusal::invalid("Invalid JSON payload received. Unexpected token.")),
    }
}

fn spelled(fields: Map<String, Value>) -> Map<String, Value> {
    let spell = |(written, value): (String, Value)| {
        let name = known(&written).map_or(written, str::to_owned);
        let value = if FREE.contains(&name.as_str()) { value } else { within(value) };
        (name, value)
    };
    fields.into_iter().map(spell).collect()
}

fn within(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(spelled(fields)),
        Value::Array(items) => items.into_iter().map(within).collect(),
        other => other,
    }
}

/// The protocol's name that this is in its other spelling.
fn known(written: &str) -> Option<&'static str> {
    NAMES.iter().copied().find(|name| written.contains('_') && with_lines(name) == written)
}

fn with_lines(name: &str) -> String {
    let mut written = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            written.push('_');
        }
        written.push(c.to_ascii_lowercase());
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_protocol_have_two_spellings_and_those_of_the_client_one() {
        let own = json!({"top_p": 1});
        let body = json!({
            "generation_config": {"top_p": 0.5, "thinking_config": {"thinkingLevel": "LOW"}, "max_tokens": 1},
            "contents": [{"parts": [{"function_call": {"args": own}}, {"functionResponse": {"response": own}}]}],
            "tools": [{"function_declarations": [{"parameters_json_schema": own}]}]
        });
        let expected = json!({
            "generationConfig": {"topP": 0.5, "thinkingConfig": {"thinkingLevel": "LOW"}, "max_tokens": 1},
            "contents": [{"parts": [{"functionCall": {"args": own}}, {"functionResponse": {"response": own}}]}],
            "tools": [{"functionDeclarations": [{"parametersJsonSchema": own}]}]
        });
        assert_eq!(Value::Object(read(body.to_string().as_bytes()).unwrap()), expected);
        assert!(read(b"[]").is_err() && read(b"{").is_err());
    }
}
