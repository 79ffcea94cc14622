//! The `contents` of a request: whose turn it is, parts, and functions with their responses.

use serde_json::{Map, Value};

use super::{invalid, is_name, only};
use crate::vendor::gemini::answer::signature;
use crate::vendor::gemini::refusal::Refusal;

const PART: &[&str] = &[
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "partMetadata",
];
/// What may stand in place of a signature that nobody has.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// What the conversation ends with.
#[derive(Default)]
pub(crate) struct Said {
    pub(super) last_user: String,
    pub(super) last_tool: Option<String>,
    pub(super) notes: Vec<&'static str>,
    pub(crate) ends_with_model: bool,
}

/// A function called: the vendor's id of it, where there is one, and its name.
type Call = (Option<String>, String);

/// Check every turn. Where the model signs, the calls since the user's last words must be signed.
pub(crate) fn check_contents(fields: &Map<String, Value>, signed: bool) -> Result<Said, Refusal> {
    let contents = match fields.get("contents").map(Value::as_array) {
        Some(Some(contents)) if !contents.is_empty() => contents,
        _ => return invalid("* GenerateContentRequest.contents: contents is not specified"),
    };
    let mut said = Said::default();
    let mut asked: Vec<Call> = Vec::new();
    let mut before = "";
    for (at, content) in contents.iter().enumerate() {
        let Some(turn) = content.as_object() else {
            return invalid(format!("Invalid value at 'contents[{at}]'"));
        };
        only(turn, &["role", "parts"], &format!("contents[{at}]"))?;
        let role = match content["role"].as_str() {
            Some(role @ ("user" | "model" | "function")) => role,
            _ => return invalid("Please use a valid role: user, model."),
        };
        if role == before {
            said.notes.push("turns of one role in a row");
        }
        let parts = parts(at, content)?;
        if role == "model" {
            must_be_answered(&asked)?;
            asked = calls(at, parts)?;
            if !asked.is_empty() && !matches!(before, "user" | "function") {
                return invalid(
                    "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
                );
            }
        } else {
            said.last_tool = check_responses(parts, &asked)?;
            asked.clear();
            said.last_user = parts
                .iter()
                .rev()
                .find_map(|part| part["text"].as_str())
                .map_or(said.last_user, str::to_owned);
        }
        before = role;
    }
    must_be_answered(&asked)?;
    said.ends_with_model = before == "model";
    if said.ends_with_model {
        said.notes.push("the model has the last turn");
    }
    if contents[0]["role"] == "model" {
        said.notes.push("the model has the first turn");
    }
    if signed {
        check_signatures(contents)?;
    }
    Ok(said)
}

fn parts(at: usize, content: &Value) -> Result<&[Value], Refusal> {
    let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parts.is_empty() {
        return invalid(format!(
            "* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."
        ));
    }
    for (index, part) in parts.iter().enumerate() {
        let place = format!("contents[{at}].parts[{index}]");
        let Some(fields) = part.as_object() else { return invalid(format!("Invalid value at '{place}'")) };
        only(fields, PART, &place)?;
        let data = ["text", "functionCall", "functionResponse", "inlineData", "fileData"];
        match fields.keys().filter(|name| data.contains(&name.as_str())).count() {
            1 => {}
            0 => {
                return invalid(format!(
                    "{place}.data: required oneof field 'data' must have one initialized field"
                ));
            }
            _ => {
                return invalid(format!(
                    "Invalid value at '{place}' (oneof), oneof field 'data' is already set."
                ));
            }
        }
        if part.get("text").is_some_and(|text| text.as_str().is_none_or(str::is_empty)) {
            return invalid("Unable to submit request because it must have a text parameter.");
        }
    }
    Ok(parts)
}

/// The functions called in a turn.
fn calls(at: usize, parts: &[Value]) -> Result<Vec<Call>, Refusal> {
    let mut calls = Vec::new();
    for call in parts.iter().filter_map(|part| part.get("functionCall")) {
        let name = call["name"].as_str().unwrap_or_default();
        if !is_name(name) {
            return invalid(format!(
                "contents[{at}].parts.function_call.name: Name cannot be empty or is invalid."
            ));
        }
        if !call["args"].is_object() {
            return invalid(format!("Invalid value at 'contents[{at}].parts.function_call.args' (Struct)"));
        }
        calls.push((call["id"].as_str().map(str::to_owned), name.to_owned()));
    }
    Ok(calls)
}

fn must_be_answered(asked: &[Call]) -> Result<(), Refusal> {
    if asked.is_empty() {
        return Ok(());
    }
    invalid(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    )
}

/// Responses must be those to the calls of the turn before, as many and of the same names. Gives the last name if nothing is said
/// after it.
fn check_responses(parts: &[Value], asked: &[Call]) -> Result<Option<String>, Refusal> {
    let responses: Vec<&Value> = parts.iter().filter_map(|part| part.get("functionResponse")).collect();
    if responses.len() != asked.len() {
        if asked.is_empty() {
            return invalid(
                "Please ensure that function response turn comes immediately after a function call turn.",
            );
        }
        return must_be_answered(asked).map(|()| None);
    }
    for (response, (id, name)) in responses.iter().zip(asked) {
        if response["name"] != name.as_str() || response["id"].as_str() != id.as_deref() {
            return invalid("The name and id of a function response must be those of its function call.");
        }
        if !response["response"].is_object() {
            return invalid("Invalid value at 'contents.parts.function_response.response' (Struct)");
        }
    }
    let ends_so = parts.last().is_some_and(|part| part.get("functionResponse").is_some());
    Ok(asked.last().filter(|_| ends_so).map(|(_, name)| name.clone()))
}

/// Of the calls since the user's last words, the first of each turn is signed.
fn check_signatures(contents: &[Value]) -> Result<(), Refusal> {
    let spoken = |content: &Value| {
        let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        content["role"] == "user" && parts.iter().any(|part| part.get("text").is_some())
    };
    let since = contents.iter().rposition(spoken).unwrap_or(0);
    for turn in contents[since..].iter().filter(|content| content["role"] == "model") {
        let parts = turn["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(first) = parts.iter().find(|part| part.get("functionCall").is_some()) else { continue };
        let name = first["functionCall"]["name"].as_str().unwrap_or_default();
        match first["thoughtSignature"].as_str() {
            Some(signed) if signed == signature(name) || signed == UNSIGNED => {}
            Some(_) => return invalid("Corrupted thought signature."),
            None => {
                return invalid(format!(
                    "Function call is missing a thought_signature in functionCall parts. Function call `{name}`."
                ));
            }
        }
    }
    Ok(())
}
