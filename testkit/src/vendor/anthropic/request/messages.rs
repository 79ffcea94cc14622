//! The `messages` of a request: whose turn it is, blocks, and tools with their results.

use serde_json::{Map, Value, json};

use super::{invalid, is_name};
use crate::vendor::anthropic::answer::signature;
use crate::vendor::anthropic::cache::Prompt;
use crate::vendor::anthropic::models::Model;
use crate::vendor::anthropic::refusal::Refusal;

/// What the conversation ends with.
#[derive(Default)]
pub(super) struct Said {
    pub(super) last_user: String,
    pub(super) last_tool: Option<String>,
    pub(super) merged: bool,
}

/// A message with its content as blocks; those of one role in a row are one.
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

/// Check every message. Where the model thinks, a tool call at the end of the conversation must come with its thought.
pub(super) fn check_messages(
    fields: &Map<String, Value>,
    rules: &Model,
    thinks: bool,
    prompt: &mut Prompt,
) -> Result<Said, Refusal> {
    let (turns, merged) = turns(fields)?;
    if turns[0].role != "user" {
        return invalid("messages: first message must use the \"user\" role");
    }
    let mut said = Said { merged, ..Said::default() };
    let mut asked: Vec<(String, String)> = Vec::new();
    for (at, turn) in turns.iter().enumerate() {
        for block in &turn.blocks {
            check_block(at, turn.role, block)?;
            prompt.add(turn.role, block).map_err(Refusal::invalid)?;
        }
        if turn.role == "user" {
            said.last_tool = check_results(at, turn, &asked)?;
            said.last_user = texts(turn).last().cloned().unwrap_or(said.last_user);
            asked.clear();
        } else {
            asked = calls(at, turn)?;
        }
    }
    let last = &turns[turns.len() - 1];
    match last.role {
        "assistant" if !asked.is_empty() => unanswered(turns.len() - 1, &asked),
        "assistant" if !rules.prefill => invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ),
        _ => {
            if thinks && said.last_tool.is_some() {
                check_thought(turns.len() - 2, &turns[turns.len() - 2])?;
            }
            Ok(said)
        }
    }
}

fn turns(fields: &Map<String, Value>) -> Result<(Vec<Turn>, bool), Refusal> {
    let messages = match fields.get("messages").map(|messages| messages.as_array()) {
        None => return invalid("messages: Field required"),
        Some(None) => return invalid("messages: Input should be a valid list"),
        Some(Some(messages)) if messages.is_empty() => {
            return invalid("messages: at least one message is required");
        }
        Some(Some(messages)) => messages,
    };
    let mut turns: Vec<Turn> = Vec::new();
    let mut merged = false;
    for (at, message) in messages.iter().enumerate() {
        let role = match message["role"].as_str() {
            Some("user") => "user",
            Some("assistant") => "assistant",
            _ => {
                return invalid(format!(
                    "messages.{at}.role: Input should be 'user' or 'assistant'; use the top-level 'system' parameter for the initial system prompt"
                ));
            }
        };
        if let Some(name) = message
            .as_object()
            .and_then(|fields| fields.keys().find(|name| *name != "role" && *name != "content"))
        {
            return invalid(format!("messages.{at}.{name}: Extra inputs are not permitted"));
        }
        let blocks = match &message["content"] {
            Value::String(text) => vec![json!({"type": "text", "text": text})],
            Value::Array(blocks) => blocks.clone(),
            _ => return invalid(format!("messages.{at}.content: Input should be a valid string or list")),
        };
        if blocks.is_empty() {
            return invalid(format!("messages.{at}: all messages must have non-empty content"));
        }
        match turns.last_mut() {
            Some(last) if last.role == role => {
                last.blocks.extend(blocks);
                merged = true;
            }
            _ => turns.push(Turn { role, blocks }),
        }
    }
    Ok((turns, merged))
}

fn check_block(at: usize, role: &str, block: &Value) -> Result<(), Refusal> {
    let field = |name: &str| block[name].as_str();
    match (role, field("type")) {
        (_, Some("text")) => match field("text") {
            Some(text) if text.trim().is_empty() => {
                invalid("messages: text content blocks must contain non-whitespace text")
            }
            Some(_) => Ok(()),
            None => invalid(format!("messages.{at}.content.text: Field required")),
        },
        ("user", Some("image" | "document")) => Ok(()),
        ("user", Some("tool_result")) => match field("tool_use_id") {
            Some(_) => Ok(()),
            None => invalid(format!("messages.{at}.content.tool_result.tool_use_id: Field required")),
        },
        ("assistant", Some("tool_use")) => match (field("id"), field("name")) {
            (Some(id), _) if !is_name(id, 256) => invalid(format!(
                "messages.{at}.content.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            )),
            (Some(_), Some(name)) if !is_name(name, 200) => invalid(format!(
                "messages.{at}.content.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"
            )),
            (Some(_), Some(_)) if block["input"].is_object() => Ok(()),
            (Some(_), Some(_)) => {
                invalid(format!("messages.{at}.content.tool_use.input: Input should be a valid dictionary"))
            }
            _ => invalid(format!("messages.{at}.content.tool_use: Field required")),
        },
        ("assistant", Some("thinking")) => match (field("thinking"), field("signature")) {
            (Some(thought), Some(signed)) if signed == signature(thought) => Ok(()),
            _ => invalid(format!("messages.{at}.content: Invalid `signature` in `thinking` block")),
        },
        ("assistant", Some("redacted_thinking")) => Ok(()),
        (role, kind) => {
            let kind = kind.unwrap_or("none");
            invalid(format!("messages.{at}.content: a block of type '{kind}' is not permitted for {role}"))
        }
    }
}

/// The tools called in a turn, with their ids.
fn calls(at: usize, turn: &Turn) -> Result<Vec<(String, String)>, Refusal> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for block in turn.blocks.iter().filter(|block| block["type"] == "tool_use") {
        let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
        if calls.iter().any(|(id, _)| *id == text("id")) {
            return invalid(format!("messages.{at}: `tool_use` ids must be unique"));
        }
        calls.push((text("id"), text("name")));
    }
    Ok(calls)
}

/// Results must answer the calls of the turn before, all of them, and come before any text. Gives the last tool's name if nothing is
/// said after it.
fn check_results(at: usize, turn: &Turn, asked: &[(String, String)]) -> Result<Option<String>, Refusal> {
    let mut open: Vec<&(String, String)> = asked.iter().collect();
    let mut last = None;
    let mut text = false;
    for block in &turn.blocks {
        if block["type"] != "tool_result" {
            text = true;
            last = None;
            continue;
        }
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        if text && !asked.is_empty() {
            return invalid(format!("messages.{at}: `tool_result` blocks must come before any text"));
        }
        let Some(place) = open.iter().position(|(known, _)| known == id) else {
            return invalid(format!(
                "messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        };
        last = Some(open.remove(place).1.clone());
    }
    if !open.is_empty() {
        let open: Vec<(String, String)> = open.into_iter().cloned().collect();
        return unanswered(at.saturating_sub(1), &open);
    }
    Ok(last)
}

fn unanswered<T>(at: usize, open: &[(String, String)]) -> Result<T, Refusal> {
    let ids: Vec<&str> = open.iter().map(|(id, _)| id.as_str()).collect();
    invalid(format!(
        "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

fn check_thought(at: usize, turn: &Turn) -> Result<(), Refusal> {
    let first = turn.blocks[0]["type"].as_str().unwrap_or_default();
    match first {
        "thinking" | "redacted_thinking" => Ok(()),
        _ => invalid(format!(
            "messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. A turn that calls tools must begin with its thinking block."
        )),
    }
}

fn texts(turn: &Turn) -> Vec<String> {
    turn.blocks.iter().filter_map(|block| block["text"].as_str().map(str::to_owned)).collect()
}
