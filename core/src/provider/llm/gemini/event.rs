//! One piece of a streamed reply.

use serde_json::Value;

use crate::provider::llm::LlmUsage;

/// Most parts taken from one piece.
const PARTS_MAX: usize = 256;

/// What a piece brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    pub text: String,
    pub calls: Vec<Called>,
    /// It holds a thought: a sign of life.
    pub thinks: bool,
    pub end: Option<End>,
    pub usage: Option<LlmUsage>,
    /// The vendor breaks off; the whole piece, for its `error`.
    pub error: Option<Value>,
    /// It has something of what a reply has.
    pub is_reply: bool,
}

/// A tool call, which always comes whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// The Gemini API may leave it out.
    pub id: Option<String>,
    pub name: String,
    pub args: Value,
    /// To be sent back with the call.
    pub signature: Option<String>,
}

/// Why a reply ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Stop,
    Length,
    /// Prompt or reply were held back.
    Filtered,
    /// The model did not manage to write what it wanted: the vendor's word.
    Spoilt(String),
}

/// Data that is not a piece of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("a piece of the reply is not JSON")]
    NotJson,
    #[error("a piece of the reply is not an object")]
    NotAnObject,
    #[error("a tool call has no name")]
    Nameless,
}

impl EventError {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotJson => "a piece of the reply is not JSON",
            Self::NotAnObject => "a piece of the reply is not an object",
            Self::Nameless => "a tool call has no name",
        }
    }
}

/// Read the data of one event.
///
/// # Errors
/// When it cannot be one of the vendor's.
pub fn parse_event(data: &str) -> Result<Chunk, EventError> {
    let value: Value = serde_json::from_str(data).map_err(|_| EventError::NotJson)?;
    if !value.is_object() {
        return Err(EventError::NotAnObject);
    }
    let mut chunk = Chunk { usage: usage(&value["usageMetadata"]), ..Chunk::default() };
    if value["error"].is_object() {
        chunk.error = Some(value);
        return Ok(chunk);
    }
    let candidates = value["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
    // One is asked for; any other is somebody else's.
    let own = candidates.iter().find(|candidate| candidate["index"].as_u64().unwrap_or(0) == 0);
    if let Some(candidate) = own {
        let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        for part in parts.iter().take(PARTS_MAX) {
            take_part(part, &mut chunk)?;
        }
        chunk.end = candidate["finishReason"].as_str().and_then(end);
    }
    if value["promptFeedback"]["blockReason"].is_string() {
        chunk.end = Some(End::Filtered);
    }
    chunk.is_reply = own.is_some() || chunk.end.is_some() || chunk.usage.is_some();
    Ok(chunk)
}

fn take_part(part: &Value, chunk: &mut Chunk) -> Result<(), EventError> {
    let call = &part["functionCall"];
    if call.is_object() {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        chunk.calls.push(Called {
            id: text(&call["id"]),
            name: text(&call["name"]).ok_or(EventError::Nameless)?,
            args: if call["args"].is_null() {
                Value::Object(serde_json::Map::new())
            } else {
                call["args"].clone()
            },
            signature: text(&part["thoughtSignature"]),
        });
    } else if part["thought"] == true {
        chunk.thinks = true;
    } else if let Some(text) = part["text"].as_str() {
        chunk.text.push_str(text);
    }
    Ok(())
}

/// What stands for no reason, before there is one, is none.
fn end(reason: &str) -> Option<End> {
    Some(match reason {
        "" | "FINISH_REASON_UNSPECIFIED" => return None,
        "MAX_TOKENS" => End::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => End::Filtered,
        image if image.starts_with("IMAGE_") => End::Filtered,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE" => End::Spoilt(reason.to_owned()),
        _ => End::Stop,
    })
}

/// Cached tokens are part of the prompt; thoughts are paid as output.
fn usage(usage: &Value) -> Option<LlmUsage> {
    let count = |name: &str| usage[name].as_u64();
    let tokens_in = count("promptTokenCount")?.saturating_add(count("toolUsePromptTokenCount").unwrap_or(0));
    let spoken = count("candidatesTokenCount").unwrap_or(0);
    Some(LlmUsage {
        tokens_in,
        tokens_out: spoken.saturating_add(count("thoughtsTokenCount").unwrap_or(0)),
        tokens_cached: count("cachedContentTokenCount").unwrap_or(0).min(tokens_in),
        // Making a kept prompt is told in no reply.
        tokens_cache_write: 0,
    })
}
