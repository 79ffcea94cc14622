//! One chunk of a streamed reply, read leniently: compatible servers deviate in every field.

use serde_json::Value;

use crate::provider::egress::code_word;
use crate::provider::llm::{Finish, LlmUsage};

/// Most tool-call pieces taken from one chunk.
const PARTS_MAX: usize = 64;

/// Fields in which servers stream what the model thinks; none of it is for the caller.
const REASONING: [&str; 6] =
    ["reasoning", "reasoning_content", "reasoning_details", "reasoning_text", "thinking", "thinking_blocks"];

/// What a chunk brings; usually one thing, sometimes several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    pub text: String,
    pub tools: Vec<ToolPart>,
    /// The model reasons: a sign of life.
    pub thinks: bool,
    /// It holds the whole reply (`message` instead of `delta`): an answer in one piece, or what was streamed once more.
    pub is_whole: bool,
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

impl ToolPart {
    /// Whether the piece, which comes behind a call of this name that has all its arguments, can be no more of that call.
    pub fn begins_another(&self, known: Option<&str>) -> bool {
        let brings = !matches!(&self.arguments, Arguments::Piece(piece) if piece.is_empty());
        self.name.as_deref().is_some_and(|name| brings || known != Some(name))
    }
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
    let mut value: Value = serde_json::from_str(data).map_err(|_| EventError::NotJson)?;
    // Some gateways wrap their one object in a list.
    if let Some(first) = value.as_array_mut().and_then(|list| list.first_mut()) {
        value = first.take();
    }
    if !value.is_object() {
        return Err(EventError::NotAnObject);
    }
    let choice = own_choice(&value);
    let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
    Ok(Chunk {
        // `text` beside the index is the form of completions without roles.
        text: content(&delta["content"])
            + delta["refusal"].as_str().or(choice["text"].as_str()).unwrap_or_default(),
        tools: tools(delta),
        thinks: REASONING.iter().any(|field| is_filled(&delta[*field])) || has_other_parts(&delta["content"]),
        is_whole: !choice["delta"].is_object() && delta.is_object(),
        finish: choice["finish_reason"].as_str().and_then(finish),
        usage: usage(&value["usage"]).or_else(|| usage(&value["x_groq"]["usage"])),
        error: broken_off(&value, choice),
    })
}

/// Read the data of an event that is named `error`: an error object, wrapped or not, or only words.
pub fn parse_error(data: &str) -> StreamError {
    let value: Value = serde_json::from_str(data).unwrap_or_default();
    error(&value["error"]).unwrap_or_else(|| described(&value))
}

/// A reply is asked for with one choice; anything else is somebody else's. Gateways send chunks without any.
fn own_choice(value: &Value) -> &Value {
    let choices = value["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    choices.iter().find(|choice| choice["index"].as_u64().unwrap_or(0) == 0).unwrap_or(&Value::Null)
}

/// Text, or parts of which those of text count. Reasoning may be a part as well and is never spoken.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(content).collect(),
        part if is_text(part) => part["text"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn is_text(part: &Value) -> bool {
    matches!(part["type"].as_str(), None | Some("text" | "output_text"))
}

fn has_other_parts(content: &Value) -> bool {
    content.as_array().is_some_and(|parts| parts.iter().any(|part| part.is_object() && !is_text(part)))
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    }
}

fn tools(delta: &Value) -> Vec<ToolPart> {
    let one = std::slice::from_ref(&delta["tool_calls"]);
    let listed = delta["tool_calls"].as_array().map_or(one, Vec::as_slice);
    let mut parts: Vec<ToolPart> =
        listed.iter().take(PARTS_MAX).filter(|call| call.is_object()).map(tool_part).collect();
    if delta["function_call"].is_object() {
        // The form before tools existed: one call, no index, no id.
        let call = tool_part(&delta["function_call"]);
        parts.push(ToolPart { index: Some(0), id: None, ..call });
    }
    parts
}

fn tool_part(call: &Value) -> ToolPart {
    // Some servers leave out the wrapping `function`.
    let function = if call["function"].is_object() { &call["function"] } else { call };
    ToolPart {
        index: number(&call["index"]),
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

/// Servers that always send the field leave it empty until the end. `error` is told by [`broken_off`].
fn finish(reason: &str) -> Option<Finish> {
    match reason {
        "" | "null" | "error" => None,
        "length" | "max_tokens" => Some(Finish::Length),
        "tool_calls" | "function_call" => Some(Finish::ToolCalls),
        "content_filter" => Some(Finish::Filtered),
        _ => Some(Finish::Stop),
    }
}

fn usage(value: &Value) -> Option<LlmUsage> {
    let tokens_in = value["prompt_tokens"].as_u64()?;
    let detail = |name: &str| value["prompt_tokens_details"][name].as_u64().unwrap_or(0);
    let tokens_cached = detail("cached_tokens").min(tokens_in);
    Some(LlmUsage {
        tokens_in,
        tokens_out: value["completion_tokens"].as_u64().unwrap_or(0),
        tokens_cached,
        tokens_cache_write: detail("cache_write_tokens").min(tokens_in - tokens_cached),
    })
}

/// The forms in which servers say within a stream that it is over: OpenAI's and vLLM's `error` object, Groq's in `x_groq`,
/// OpenRouter's in the choice, the older of vLLM as an object of its own, and FastAPI's `detail`.
fn broken_off(value: &Value, choice: &Value) -> Option<StreamError> {
    let is_error = value["object"] == "error" || value["type"] == "error";
    let bare = is_error || (value.get("choices").is_none() && value.get("detail").is_some());
    error(&value["error"])
        .or_else(|| error(&value["x_groq"]["error"]))
        .or_else(|| error(&choice["error"]))
        .or_else(|| bare.then(|| described(value)))
        .or_else(|| (choice["finish_reason"] == "error").then(StreamError::default))
}

fn error(value: &Value) -> Option<StreamError> {
    let is_one = matches!(value, Value::Bool(true) | Value::Number(_)) || is_filled(value);
    is_one.then(|| described(value))
}

/// `code` is a word, a status, or a status in quotes.
fn described(value: &Value) -> StreamError {
    let fields = [&value["code"], &value["type"], &value["error_type"], &value["status"], value];
    let word = fields
        .into_iter()
        .filter_map(code_word)
        .find(|word| *word != "error" && word.parse::<u64>().is_err());
    let status =
        [&value["code"], &value["status"], &value["status_code"], value].into_iter().find_map(number);
    StreamError {
        word: word.map(str::to_owned),
        status: status.and_then(|status| u16::try_from(status).ok()),
    }
}

/// A number, also one in quotes.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
