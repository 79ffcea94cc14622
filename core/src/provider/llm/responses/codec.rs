//! A response as it grows: words go out at once, tool calls when it is over, reasoning not at all.

use super::event::{Event, parse_event};
use crate::provider::egress::Refusal;
use crate::provider::egress::chat::{NO_CREDIT_WAIT, class, is_out_of_credit};
use crate::provider::llm::calls::Calls;
use crate::provider::llm::reply::{Codec, Ended, Sense, Stage, Told};
use crate::provider::llm::sse::SseEvent;
use crate::provider::llm::{Finish, LlmUsage};
use crate::provider::{Failure, FailureClass};

/// Reads one response.
#[derive(Debug)]
pub struct ResponseCodec {
    vendor: &'static str,
    calls: Calls,
    end: Option<(Finish, Option<LlmUsage>)>,
}

impl ResponseCodec {
    /// A response to come of this vendor.
    pub fn new(vendor: &'static str) -> Self {
        Self { vendor, calls: Calls::default(), end: None }
    }

    fn failed(&self, word: Option<&str>) -> Failure {
        let status = Refusal { status: 500, headers: http::HeaderMap::new(), body: String::new() };
        let detail =
            format!("{}: the stream broke off with an error: {}", self.vendor, word.unwrap_or("no code"));
        let class = match word {
            // The vendor's words for a fault of its own, and for a prompt that it will not take another time either.
            None | Some("server_error") => FailureClass::Unavailable,
            Some("invalid_prompt") => FailureClass::Refused,
            word => class(&status, word),
        };
        Failure { class, detail, retry_after: is_out_of_credit(word).then_some(NO_CREDIT_WAIT) }
    }

    /// Whether what came is for a call that began.
    fn known(found: bool) -> Sense {
        if found { Sense::Understood } else { Sense::Nonsense("arguments of a call that never began") }
    }
}

impl Codec for ResponseCodec {
    fn vendor(&self) -> &'static str {
        self.vendor
    }

    fn take(&mut self, event: &SseEvent, told: &mut Told) -> Result<Sense, Failure> {
        if event.data.trim() == "[DONE]" {
            // Some compatible servers end so.
            return Ok(Sense::Nothing);
        }
        let event = match parse_event(&event.data) {
            Ok(event) => event,
            Err(_) if event.name == "error" => return Err(self.failed(None)),
            Err(error) => return Ok(Sense::Nonsense(error.words())),
        };
        match event {
            Event::Said(text) => told.text.push_str(&text),
            Event::Works => told.works = true,
            Event::Noted => {}
            Event::Called { index, id, name, arguments, is_whole } => {
                told.works = true;
                // What is told once more is what there is already, unless it is told for the first time.
                if !is_whole || !self.calls.has(index) {
                    self.calls.begin(self.vendor, index, (id, name))?;
                }
                if !arguments.is_empty() {
                    self.calls.settle(self.vendor, index, &arguments)?;
                }
            }
            Event::Arguments { index, piece } => {
                told.works = true;
                return Ok(Self::known(self.calls.grow(self.vendor, index, &piece)?));
            }
            Event::AllArguments { index, whole } => {
                told.works = true;
                return Ok(Self::known(self.calls.settle(self.vendor, index, &whole)?));
            }
            Event::Ended { finish, usage } => self.end = Some((finish, usage)),
            Event::Failed(word) => return Err(self.failed(word.as_deref())),
            Event::Other => return Ok(Sense::Nothing),
        }
        Ok(Sense::Understood)
    }

    fn stage(&self) -> Stage {
        if self.end.is_some() { Stage::Over } else { Stage::Speaking }
    }

    fn end(self) -> Result<Ended, Failure> {
        let (finish, usage) = self.end.unwrap_or((Finish::Stop, None));
        match finish {
            // The calls of a response that was cut may be incomplete.
            Finish::Length | Finish::Filtered => Ok(Ended { calls: Vec::new(), finish, usage }),
            _ if self.calls.is_empty() => Ok(Ended { calls: Vec::new(), finish: Finish::Stop, usage }),
            _ => Ok(Ended { calls: self.calls.end(), finish: Finish::ToolCalls, usage }),
        }
    }
}
