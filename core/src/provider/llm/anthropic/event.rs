//! One event of a streamed message.

use serde_json::Value;

use crate::provider::llm::Finish;

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Started(Counts),
    BlockStarted {
        index: u64,
        block: Block,
    },
    BlockGrown {
        index: u64,
        delta: Delta,
    },
    BlockEnded {
        index: u64,
    },
    /// Why the message ends, and what it used up to now.
    Changed {
        finish: Option<Finish>,
        counts: Counts,
    },
    Ended,
    Ping,
    /// The vendor breaks off; the whole event, for its `error.type`.
    Failed(Value),
    /// Of a kind that is newer than this client.
    Other,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Text(String),
    Tool {
        id: Option<String>,
        name: String,
        /// The arguments, where they come with the block.
        input: Value,
    },
    /// A thought; its text, its signature or, of a hidden one, its data.
    Thought(Value),
    Other,
}

/// More of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Text(String),
    Arguments(String),
    Thinking(String),
    Signature(String),
    Other,
}

/// Tokens as far as they are told; cached ones are no part of `input`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub input: Option<u64>,
    pub cache_written: Option<u64>,
    pub cache_read: Option<u64>,
    pub output: Option<u64>,
}

/// Data that is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("an event is not JSON")]
    NotJson,
    #[error("an event has no type")]
    NoType,
    #[error("an event lacks what its type promises")]
    Incomplete,
}

impl EventError {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotJson => "an event is not JSON",
            Self::NoType => "an event has no type",
            Self::Incomplete => "an event lacks what its type promises",
        }
    }
}

/// Read the data of one event.
///
/// # Errors
/// When it cannot be one of the vendor's.
pub fn parse_event(data: &str) -> Result<Event, EventError> {
    let value: Value = serde_json::from_str(data).map_err(|_| EventError::NotJson)?;
    let kind = value["type"].as_str().ok_or(EventError::NoType)?;
    let index = || value["index"].as_u64().ok_or(EventError::Incomplete);
    Ok(match kind {
        "message_start" => Event::Started(counts(&value["message"]["usage"])),
        "content_block_start" => {
            Event::BlockStarted { index: index()?, block: block(&value["content_block"])? }
        }
        "content_block_delta" => Event::BlockGrown { index: index()?, delta: delta(&value["delta"])? },
        "content_block_stop" => Event::BlockEnded { index: index()? },
        "message_delta" => Event::Changed {
            finish: value["delta"]["stop_reason"].as_str().map(finish),
            counts: counts(&value["usage"]),
        },
        "message_stop" => Event::Ended,
        "ping" => Event::Ping,
        "error" => Event::Failed(value),
        _ => Event::Other,
    })
}

fn block(block: &Value) -> Result<Block, EventError> {
    let text = |name: &str| block[name].as_str().map(str::to_owned).ok_or(EventError::Incomplete);
    Ok(match block["type"].as_str().ok_or(EventError::Incomplete)? {
        "text" => Block::Text(text("text")?),
        "tool_use" => Block::Tool {
            id: block["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned),
            name: text("name")
                .and_then(|name| if name.is_empty() { Err(EventError::Incomplete) } else { Ok(name) })?,
            input: block["input"].clone(),
        },
        "thinking" | "redacted_thinking" => Block::Thought(block.clone()),
        _ => Block::Other,
    })
}

fn delta(delta: &Value) -> Result<Delta, EventError> {
    let text = |name: &str| delta[name].as_str().map(str::to_owned).ok_or(EventError::Incomplete);
    Ok(match delta["type"].as_str().ok_or(EventError::Incomplete)? {
        "text_delta" => Delta::Text(text("text")?),
        "input_json_delta" => Delta::Arguments(text("partial_json")?),
        "thinking_delta" => Delta::Thinking(text("thinking")?),
        "signature_delta" => Delta::Signature(text("signature")?),
        _ => Delta::Other,
    })
}

fn counts(usage: &Value) -> Counts {
    Counts {
        input: usage["input_tokens"].as_u64(),
        cache_written: usage["cache_creation_input_tokens"].as_u64(),
        cache_read: usage["cache_read_input_tokens"].as_u64(),
        output: usage["output_tokens"].as_u64(),
    }
}

/// Why a message ends. `pause_turn` belongs to tools that the vendor runs itself, which are never offered.
fn finish(reason: &str) -> Finish {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Filtered,
        _ => Finish::Stop,
    }
}
