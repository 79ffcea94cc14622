mod parsing;
mod reading;
mod refusing;
mod untidy;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::event::{Arguments, StreamError};
use super::*;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{FailureClass, STREAM_DEPTH};

fn chunk(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finished(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn data(values: &[Value]) -> String {
    values.iter().map(|value| format!("data: {value}\n\n")).collect()
}

fn call(id: &str, name: &str, arguments: Value) -> LlmEvent {
    LlmEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments })
}

fn done(finish: Finish) -> LlmEvent {
    LlmEvent::Done { finish, usage: None }
}
