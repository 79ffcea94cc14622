//! One event of a streamed response.

use serde_json::Value;

use crate::provider::llm::{Finish, LlmUsage};

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Words to be spoken; a refusal is spoken too.
    Said(String),
    /// The model works: it reasons, or a new item begins.
    Works,
    /// A tool call begins, or is told once more when it is whole.
    Called { index: u64, id: Option<String>, name: String, arguments: String, is_whole: bool },
    /// More of a call's arguments.
    Arguments { index: u64, piece: String },
    /// All of a call's arguments.
    AllArguments { index: u64, whole: String },
    /// The response is over.
    Ended { finish: Finish, usage: Option<LlmUsage> },
    /// The vendor breaks off: its code, if it looks like one.
    Failed(Option<String>),
    /// Of a kind that is known and says nothing for us.
    Noted,
    /// Of a kind that is newer than this client.
    Other,
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
    let Some(kind) = value["type"].as_str() else {
        // Some gateways break off in the form of Chat Completions.
        let error = &value["error"];
        return if error.is_object() { Ok(Event::Failed(code(error))) } else { Err(EventError::NoType) };
    };
    let text = |name: &str| value[name].as_str().map(str::to_owned).ok_or(EventError::Incomplete);
    let index = || value["output_index"].as_u64().ok_or(EventError::Incomplete);
    Ok(match kind {
        "response.output_text.delta" | "response.refusal.delta" => Event::Said(text("delta")?),
        "response.output_item.added" => item(index()?, &value["item"], false)?,
        "response.output_item.done" => item(index()?, &value["item"], true)?,
        "response.function_call_arguments.delta" => {
            Event::Arguments { index: index()?, piece: text("delta")? }
        }
        "response.function_call_arguments.done" => {
            Event::AllArguments { index: index()?, whole: text("arguments")? }
        }
        "response.completed" => ended(&value["response"], Finish::Stop)?,
        "response.incomplete" => ended(&value["response"], cut(&value["response"]["incomplete_details"]))?,
        "response.failed" => Event::Failed(code(&value["response"]["error"])),
        "error" => Event::Failed(code(&value).or_else(|| code(&value["error"]))),
        "response.created"
        | "response.queued"
        | "response.in_progress"
        | "response.content_part.added"
        | "response.content_part.done"
        | "response.output_text.done"
        | "response.refusal.done" => Event::Noted,
        _ if kind.starts_with("response.reasoning") => Event::Works,
        _ => Event::Other,
    })
}

fn item(index: u64, item: &Value, is_whole: bool) -> Result<Event, EventError> {
    let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(match item["type"].as_str().ok_or(EventError::Incomplete)? {
        "function_call" => Event::Called {
            index,
            id: text("call_id").or_else(|| text("id")),
            name: text("name").ok_or(EventError::Incomplete)?,
            arguments: text("arguments").unwrap_or_default(),
            is_whole,
        },
        "reasoning" => Event::Works,
        "message" => Event::Noted,
        _ => Event::Other,
    })
}

fn ended(response: &Value, finish: Finish) -> Result<Event, EventError> {
    if !response.is_object() {
        return Err(EventError::Incomplete);
    }
    Ok(Event::Ended { finish, usage: usage(&response["usage"]) })
}

fn cut(details: &Value) -> Finish {
    match details["reason"].as_str() {
        Some("content_filter") => Finish::Filtered,
        _ => Finish::Length,
    }
}

fn code(error: &Value) -> Option<String> {
    let fields = [&error["code"], &error["type"]];
    let word =
        fields.into_iter().filter_map(crate::provider::egress::code_word).find(|word| *word != "error");
    word.map(str::to_owned)
}

/// Cached tokens are part of the input, reasoning is part of the output.
fn usage(usage: &Value) -> Option<LlmUsage> {
    let tokens_in = usage["input_tokens"].as_u64()?;
    let detail = |name: &str| usage["input_tokens_details"][name].as_u64().unwrap_or(0);
    let tokens_cached = detail("cached_tokens").min(tokens_in);
    Some(LlmUsage {
        tokens_in,
        tokens_out: usage["output_tokens"].as_u64().unwrap_or(0),
        tokens_cached,
        tokens_cache_write: detail("cache_write_tokens").min(tokens_in - tokens_cached),
    })
}
