//! The `messages` of a request: roles, contents, and tool calls with their results.

use serde_json::{Map, Value};

use super::{empty_array, is_function_name, missing, wrong_type};
use crate::vendor::openai::refusal::Refusal;

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];

/// What the conversation ends with.
#[derive(Default)]
pub(super) struct Said {
    pub(super) last_user: String,
    pub(super) last_tool: Option<String>,
}

/// Check every message and the pairing of tool calls and results.
pub(super) fn check_messages(fields: &Map<String, Value>) -> Result<Said, Refusal> {
    let messages = match fields.get("messages") {
        None | Some(Value::Null) => return Err(missing("messages")),
        Some(Value::Array(messages)) if messages.is_empty() => return Err(empty_array("messages")),
        Some(Value::Array(messages)) => messages,
        Some(other) => return Err(wrong_type("messages", "an array of objects", other)),
    };
    let mut said = Said::default();
    let mut pending = Pending::default();
    for (at, message) in messages.iter().enumerate() {
        let Value::Object(message) = message else {
            return Err(wrong_type(&format!("messages[{at}]"), "an object", message));
        };
        let role = role(at, message)?;
        if role != "tool" {
            pending.must_be_answered(at)?;
        }
        said.last_tool = None;
        match role {
            "assistant" => check_assistant(at, message, &mut pending)?,
            "tool" => said.last_tool = Some(check_result(at, message, &mut pending)?),
            "user" => said.last_user = text(at, message)?,
            _ => {
                text(at, message)?;
            }
        }
    }
    pending.must_be_answered(messages.len())?;
    Ok(said)
}

/// Tool calls of the last assistant message that have no result yet, and all of its calls.
#[derive(Default)]
struct Pending {
    calls: Vec<(String, String)>,
    unanswered: Vec<String>,
    asked_at: usize,
}

impl Pending {
    fn must_be_answered(&mut self, at: usize) -> Result<(), Refusal> {
        self.calls.clear();
        if self.unanswered.is_empty() {
            return Ok(());
        }
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
             'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            self.unanswered.join(", ")
        );
        let param = if at > self.asked_at + 1 { format!("messages.[{at}].role") } else { "messages".into() };
        Err(Refusal::invalid(param, None, message))
    }
}

fn role(at: usize, message: &Map<String, Value>) -> Result<&str, Refusal> {
    match message.get("role") {
        None => Err(missing(format!("messages[{at}].role"))),
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => Ok(role),
        Some(other) => {
            let shown = other.as_str().map_or_else(|| other.to_string(), |role| format!("'{role}'"));
            let message = format!(
                "Invalid value: {shown}. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
            );
            Err(Refusal::invalid(format!("messages[{at}].role"), Some("invalid_value"), message))
        }
    }
}

/// The text of a message that must have content: a string or parts.
fn text(at: usize, message: &Map<String, Value>) -> Result<String, Refusal> {
    match message.get("content") {
        None => Err(missing(format!("messages[{at}].content"))),
        Some(Value::Null) => {
            let shown = "Invalid value for 'content': expected a string, got null.";
            Err(Refusal::invalid(format!("messages.[{at}].content"), None, shown))
        }
        Some(content) => content_text(at, content),
    }
}

fn content_text(at: usize, content: &Value) -> Result<String, Refusal> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) if parts.is_empty() => Err(empty_array(&format!("messages[{at}].content"))),
        Value::Array(parts) => {
            let mut text = String::new();
            for (index, part) in parts.iter().enumerate() {
                let Some(kind) = part.get("type").and_then(Value::as_str) else {
                    return Err(missing(format!("messages[{at}].content[{index}].type")));
                };
                if kind == "text" {
                    let Some(piece) = part.get("text").and_then(Value::as_str) else {
                        return Err(missing(format!("messages[{at}].content[{index}].text")));
                    };
                    text.push_str(piece);
                }
            }
            Ok(text)
        }
        other => {
            Err(wrong_type(&format!("messages[{at}].content"), "one of a string or array of objects", other))
        }
    }
}

fn check_assistant(at: usize, message: &Map<String, Value>, pending: &mut Pending) -> Result<(), Refusal> {
    let calls = message.get("tool_calls").filter(|calls| !calls.is_null());
    match message.get("content") {
        Some(Value::Null) | None if calls.is_none() && message.get("refusal").is_none() => {
            let shown = "Invalid value for 'content': expected a string, got null.";
            return Err(Refusal::invalid(format!("messages.[{at}].content"), None, shown));
        }
        Some(Value::Null) | None => {}
        Some(content) => {
            content_text(at, content)?;
        }
    }
    let Some(calls) = calls else { return Ok(()) };
    let Value::Array(calls) = calls else {
        return Err(wrong_type(&format!("messages[{at}].tool_calls"), "an array of objects", calls));
    };
    if calls.is_empty() {
        return Err(empty_array(&format!("messages[{at}].tool_calls")));
    }
    pending.asked_at = at;
    for (index, call) in calls.iter().enumerate() {
        let (id, name) = check_call(&format!("messages[{at}].tool_calls[{index}]"), call)?;
        pending.unanswered.push(id.clone());
        pending.calls.push((id, name));
    }
    Ok(())
}

fn check_call(field: &str, call: &Value) -> Result<(String, String), Refusal> {
    let required = |name: &str, value: Option<&Value>| match value {
        None | Some(Value::Null) => Err(missing(format!("{field}.{name}"))),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(wrong_type(&format!("{field}.{name}"), "a string", other)),
    };
    let function = call.get("function");
    let id = required("id", call.get("id"))?;
    required("type", call.get("type"))?;
    let name = required("function.name", function.and_then(|function| function.get("name")))?;
    required("function.arguments", function.and_then(|function| function.get("arguments")))?;
    if !is_function_name(&name) {
        let field = format!("{field}.function.name");
        let message = format!(
            "Invalid '{field}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(Refusal::invalid(field, Some("invalid_value"), message));
    }
    Ok((id, name))
}

/// A tool's result, which must answer a call of the assistant message before it. Gives the tool's name.
fn check_result(at: usize, message: &Map<String, Value>, pending: &mut Pending) -> Result<String, Refusal> {
    let Some(id) = message.get("tool_call_id").and_then(Value::as_str) else {
        return Err(missing(format!("messages[{at}].tool_call_id")));
    };
    text(at, message)?;
    if pending.calls.is_empty() {
        let shown = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        return Err(Refusal::invalid(format!("messages.[{at}].role"), None, shown));
    }
    let Some((_, name)) = pending.calls.iter().find(|(known, _)| known == id) else {
        let shown = format!(
            "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."
        );
        return Err(Refusal::invalid(format!("messages.[{at}].tool_call_id"), None, shown));
    };
    pending.unanswered.retain(|unanswered| unanswered != id);
    Ok(name.clone())
}
