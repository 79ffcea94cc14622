//! A reply as it grows: words go out at once, tool calls at the end, thoughts not at all.

use serde_json::{Value, json};

use super::error::stream_error;
use super::event::{Called, End, parse_event};
use crate::provider::llm::calls::{ARGUMENTS_MAX, CALLS_MAX, new_id};
use crate::provider::llm::keepsakes::Keepsakes;
use crate::provider::llm::reply::{Codec, Ended, Sense, Stage, Told};
use crate::provider::llm::sse::SseEvent;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{Failure, FailureClass};

/// Reads one reply of `streamGenerateContent`.
#[derive(Debug)]
pub struct GenerateCodec {
    vendor: &'static str,
    calls: Vec<Called>,
    end: Option<End>,
    usage: Option<LlmUsage>,
    keepsakes: Keepsakes,
}

impl GenerateCodec {
    /// A reply to come of this vendor; what is to be sent back with its calls is kept there.
    pub fn new(vendor: &'static str, keepsakes: Keepsakes) -> Self {
        Self { vendor, calls: Vec::new(), end: None, usage: None, keepsakes }
    }

    fn malformed(&self, what: &str) -> Failure {
        Failure::new(FailureClass::Malformed, format!("{}: {what}", self.vendor))
    }

    fn call(&self, called: Called) -> ToolCall {
        let id = called.id.clone().unwrap_or_else(new_id);
        let echo = json!({"id": called.id, "signature": called.signature});
        self.keepsakes.keep(&id, echo);
        ToolCall { id, name: called.name, arguments: called.args }
    }
}

/// What was kept of a call: the vendor's own id of it, if it gave one, and its signature.
pub(super) fn echo(kept: &Value) -> (Option<&str>, Option<&str>) {
    (kept["id"].as_str(), kept["signature"].as_str())
}

impl Codec for GenerateCodec {
    fn vendor(&self) -> &'static str {
        self.vendor
    }

    fn take(&mut self, event: &SseEvent, told: &mut Told) -> Result<Sense, Failure> {
        let chunk = match parse_event(&event.data) {
            Ok(chunk) => chunk,
            Err(error) => return Ok(Sense::Nonsense(error.words())),
        };
        if let Some(error) = &chunk.error {
            // A reply that was whole before it stays one.
            return if self.end.is_some() {
                Ok(Sense::Nothing)
            } else {
                Err(stream_error(self.vendor, error))
            };
        }
        if !chunk.is_reply {
            return Ok(Sense::Nothing);
        }
        told.text.push_str(&chunk.text);
        told.works |= chunk.thinks || !chunk.calls.is_empty();
        self.usage = chunk.usage.or(self.usage);
        self.end = chunk.end.or(self.end.take());
        if chunk.calls.iter().any(|call| call.args.to_string().len() > ARGUMENTS_MAX) {
            return Err(self.malformed("a tool call's arguments do not end"));
        }
        self.calls.extend(chunk.calls);
        if self.calls.len() > CALLS_MAX {
            return Err(self.malformed("too many tool calls in one reply"));
        }
        Ok(Sense::Understood)
    }

    /// The vendor ends by ending the body.
    fn stage(&self) -> Stage {
        if self.end.is_some() { Stage::Whole } else { Stage::Speaking }
    }

    fn end(mut self) -> Result<Ended, Failure> {
        let usage = self.usage;
        let finish = match self.end.take() {
            Some(End::Length) => Finish::Length,
            Some(End::Filtered) => Finish::Filtered,
            Some(End::Spoilt(word)) => return Err(self.malformed(&format!("the reply is spoilt: {word}"))),
            Some(End::Stop) | None => {
                let calls = std::mem::take(&mut self.calls);
                let calls: Vec<ToolCall> = calls.into_iter().map(|called| self.call(called)).collect();
                let finish = if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
                return Ok(Ended { calls, finish, usage });
            }
        };
        Ok(Ended { calls: Vec::new(), finish, usage })
    }
}
