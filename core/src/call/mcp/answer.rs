//! What comes back to a request: one message as JSON, or several as a stream of events, up to so many bytes.

use std::collections::VecDeque;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde_json::Value;

use super::Fault;
use crate::provider::egress::{FailureClass, http_failure};
use crate::provider::llm::sse::{SseEvent, SseParser};

/// An answer, read message by message.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    form: Form,
    read: usize,
    most: usize,
    waiting: VecDeque<Value>,
    is_over: bool,
}

#[derive(Debug)]
enum Form {
    Json,
    Events(SseParser),
}

impl Answer {
    /// Of a request that has one.
    ///
    /// # Errors
    ///
    /// When it is in no form that the protocol has.
    pub fn of(response: Response, most: usize) -> Result<Self, Fault> {
        let form = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let form = form.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let form = match form.to_ascii_lowercase().as_str() {
            _ if matches!(response.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT) => {
                return Err(Fault::Protocol("a request got no answer"));
            }
            "application/json" => Form::Json,
            "text/event-stream" => Form::Events(SseParser::default()),
            _ => return Err(Fault::Protocol("an answer is neither JSON nor a stream of events")),
        };
        Ok(Self { response, form, read: 0, most, waiting: VecDeque::new(), is_over: false })
    }

    /// The next message; `None` after the last.
    ///
    /// # Errors
    ///
    /// When it broke off, is too large, or is none.
    pub async fn next(&mut self) -> Result<Option<Value>, Fault> {
        let mut whole = Vec::new();
        while self.waiting.is_empty() && !self.is_over {
            let piece = self.response.chunk().await.map_err(|error| match http_failure(error).class {
                FailureClass::TimedOut => Fault::TimedOut,
                _ => Fault::BrokenOff,
            })?;
            let bytes = piece.as_deref().unwrap_or_default();
            self.read += bytes.len();
            if self.read > self.most {
                return Err(Fault::TooLarge);
            }
            self.is_over = piece.is_none();
            match &mut self.form {
                Form::Json => {
                    whole.extend_from_slice(bytes);
                    if self.is_over {
                        let message = serde_json::from_slice(&whole);
                        self.take(message.map_err(|_| Fault::Protocol("an answer is no JSON"))?);
                    }
                }
                Form::Events(parser) => {
                    let mut events = Vec::new();
                    let parsed = match piece.is_some() {
                        true => parser.push(bytes, &mut events),
                        false => std::mem::take(parser).finish(&mut events),
                    };
                    parsed.map_err(|_| Fault::TooLarge)?;
                    self.take_events(&events)?;
                }
            }
        }
        Ok(self.waiting.pop_front())
    }

    fn take_events(&mut self, events: &[SseEvent]) -> Result<(), Fault> {
        // Those without a message only keep the line open.
        let said = events.iter().filter(|event| matches!(event.name.as_str(), "" | "message"));
        for event in said.filter(|event| !event.data.trim().is_empty()) {
            let message = serde_json::from_str(&event.data);
            self.take(message.map_err(|_| Fault::Protocol("an event is no JSON"))?);
        }
        Ok(())
    }

    /// Older revisions put several into one.
    fn take(&mut self, message: Value) {
        match message {
            Value::Array(messages) => self.waiting.extend(messages),
            message => self.waiting.push_back(message),
        }
    }
}
