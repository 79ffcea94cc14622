//! One chunk of a streamed reply, read leniently: compatible servers deviate in every field.

use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::llm::{Finish, LlmUsage};

/// Most tool-call pieces taken from one chunk.
const PARTS_MAX: usize = 64;

/// What a chunk brings; usually one thing, sometimes several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    pub text: String,
    pub tools: Vec<ToolPart>,
    pub finish: Option<Finish>,
    pub usage: Option<LlmUsage>,
    pub error: Option<StreamError>,
}

/// A piece of a tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolPart {
    /// Which call of the reply; some servers leave it out.
    pub index: Option<u64>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: Arguments,
}

/// Arguments come as pieces of JSON text; some servers send the finished object.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    Piece(String),
    Whole(Value),
}

impl Default for Arguments {
    fn default() -> Self {
        Self::Piece(String::new())
    }
}

/// The vendor broke off within the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamError {
    /// `code`, else `type`, if it looks like a code.
    pub word: Option<String>,
    /// An HTTP status that some gateways put into `code`.
    pub status: Option<u16>,
}

/// Data that is not a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a chunk is not JSON")]
    NotJson,
    #[error("a chunk is not an object")]
    NotAnObject,
}

/// Read the data of one event (not `[DONE]`, which is the stream's own).
///
/// # Errors
/// When the data cannot be a chunk at all.
pub fn parse_event(data: &str) -> Result<Chunk, EventError> {
    let value: Value = serde_json::from_str(data).map_err(|_| EventError::NotJson)?;
    if !value.is_object() {
        return Err(EventError::NotAnObject);
    }
    let choice = &value["choices"][0];
    // A reply is asked for with one choice; anything else is somebody else's.
    let ours = choice["index"].as_u64().unwrap_or(0) == 0;
    let (choice, delta) = if ours { (choice, &choice["delta"]) } else { (&Value::Null, &Value::Null) };
    Ok(Chunk {
        text: content(&delta["content"]) + delta["refusal"].as_str().unwrap_or_default(),
        tools: tools(delta),
        finish: choice["finish_reason"].as_str().map(finish),
        usage: usage(&value["usage"]).or_else(|| usage(&value["x_groq"]["usage"])),
        error: error(&value["error"]).or_else(|| error(&value["x_groq"]["error"])),
    })
}

/// Text, or a list of parts of which the text ones count. Reasoning is a field of its own and never spoken.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn tools(delta: &Value) -> Vec<ToolPart> {
    let listed = delta["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut parts: Vec<ToolPart> =
        listed.iter().take(PARTS_MAX).filter(|call| call.is_object()).map(tool_part).collect();
    if delta["function_call"].is_object() {
        // The form before tools existed: one call, no index, no id.
        let function = &delta["function_call"];
        parts.push(ToolPart {
            index: Some(0),
            id: None,
            name: filled(&function["name"]),
            arguments: arguments(function),
        });
    }
    parts
}

fn tool_part(call: &Value) -> ToolPart {
    let function = &call["function"];
    ToolPart {
        index: call["index"].as_u64(),
        id: filled(&call["id"]),
        name: filled(&function["name"]),
        arguments: arguments(function),
    }
}

fn arguments(function: &Value) -> Arguments {
    match &function["arguments"] {
        Value::String(piece) => Arguments::Piece(piece.clone()),
        whole @ Value::Object(_) => Arguments::Whole(whole.clone()),
        _ => Arguments::default(),
    }
}

fn filled(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn finish(reason: &str) -> Finish {
    match reason {
        "length" | "max_tokens" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::Filtered,
        _ => Finish::Stop,
    }
}

fn usage(value: &Value) -> Option<LlmUsage> {
    let tokens_in = value["prompt_tokens"].as_u64()?;
    let cached = value["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0);
    Some(LlmUsage {
        tokens_in,
        tokens_out: value["completion_tokens"].as_u64().unwrap_or(0),
        tokens_cached: cached.min(tokens_in),
    })
}

fn error(value: &Value) -> Option<StreamError> {
    if value.is_null() {
        return None;
    }
    let word = code_word(&value["code"]).or_else(|| code_word(&value["type"])).or_else(|| code_word(value));
    let status =
        value["code"].as_u64().or_else(|| value["status"].as_u64()).and_then(|code| u16::try_from(code).ok());
    Some(StreamError { word: word.map(str::to_owned), status })
}
