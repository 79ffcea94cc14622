//! Reading a streamed reply to its end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout};

use super::error::stream_error;
use super::event::{parse_error, parse_event};
use super::reply::Reply;
use crate::provider::budget::Budget;
use crate::provider::egress::http_failure;
use crate::provider::llm::LlmEvent;
use crate::provider::llm::exchange::{self, IDLE_DEADLINE, first_byte, web_page};
use crate::provider::llm::reply::{KEPT_ALIVE, TAIL_WAIT, Told};
use crate::provider::llm::sse::{EVENT_MAX, SseError, SseEvent, SseParser};
use crate::provider::outlet::{End, Outlet};
use crate::provider::{Failure, FailureClass};

/// How long usage is waited for after the reason to finish, from servers that give a reason with every piece of the text.
const UNSURE_WAIT: Duration = Duration::from_secs(4);

/// An accepted request's answer, of which the beginning was looked at.
pub(super) struct Answer {
    begun: Vec<Bytes>,
    rest: reqwest::Response,
}

impl Answer {
    /// Look at a response's beginning if its head says that a page follows: some servers say so of an event stream.
    pub(super) async fn of(vendor: &str, mut rest: reqwest::Response) -> Result<Self, Failure> {
        let mut begun = Vec::new();
        let kind = rest.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let may_be_page =
            kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
        while may_be_page && begun.iter().all(|piece: &Bytes| first_byte(piece).is_none()) {
            let late = |_| halt(vendor);
            let piece = timeout(IDLE_DEADLINE, rest.chunk()).await.map_err(late)?.map_err(http_failure)?;
            let Some(piece) = piece else { break };
            begun.push(piece);
        }
        Ok(Self { begun, rest })
    }

    /// Whether a server that should answer a question shows a page: nobody speaks this protocol at the address.
    pub(super) fn is_web_page(&self) -> bool {
        self.begun.iter().find_map(|piece| first_byte(piece)) == Some(b'<')
    }
}

/// Pass a reply on; the last event is returned.
pub(super) async fn read(
    vendor: &'static str,
    answer: Answer,
    out: &mut Outlet<LlmEvent>,
) -> Result<LlmEvent, End> {
    let begun = futures_util::stream::iter(answer.begun.into_iter().map(Ok));
    let body = Box::pin(begun.chain(answer.rest.bytes_stream()));
    exchange::read(body, Reader::new(vendor), out).await
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Speaking,
    /// The reason to finish has come; usage may follow.
    Tail {
        until: Instant,
    },
    Over,
}

/// How the body is written, told by its first byte that is not white space: servers mislabel both ways.
#[derive(Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Events,
    /// The whole answer as one object, or one object a line.
    Json(Vec<u8>),
}

pub(super) struct Reader {
    vendor: &'static str,
    form: Form,
    sse: SseParser,
    reply: Reply,
    state: State,
    budget: Budget,
    kept_alive_until: Instant,
}

impl Reader {
    pub(super) fn new(vendor: &'static str) -> Self {
        Self {
            vendor,
            form: Form::default(),
            sse: SseParser::default(),
            reply: Reply::of(vendor),
            state: State::default(),
            budget: Budget::default(),
            kept_alive_until: Instant::now() + KEPT_ALIVE,
        }
    }

    /// The texts of all events go out as one; without any text, work that shows counts as one sign of life, and for a while
    /// so does a connection that is kept alive.
    fn take_events(
        &mut self,
        events: Vec<SseEvent>,
        mut told: Told,
        out: &mut Outlet<LlmEvent>,
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for event in events {
            outcome = self.take_event(&event, &mut told);
            if outcome.is_err() || self.state == State::Over {
                break;
            }
        }
        if !told.text.is_empty() {
            out.push(LlmEvent::Text(told.text));
        } else if told.works || (told.kept_alive && Instant::now() < self.kept_alive_until) {
            out.push(LlmEvent::Progress);
        }
        outcome
    }

    fn take_event(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.trim_matches('"').eq_ignore_ascii_case("[DONE]") {
            self.state = State::Over;
            return Ok(());
        }
        if event.name == "error" {
            return Err(stream_error(self.vendor, &parse_error(data)));
        }
        if !data.starts_with(['{', '[']) {
            // A keep-alive as data: nothing, "ping", ": OPENROUTER PROCESSING".
            told.kept_alive = true;
            return Ok(());
        }
        let chunk = match parse_event(data) {
            Ok(chunk) => chunk,
            Err(_) if data.contains('\n') => return self.take_lines(data, told),
            Err(error) => return self.budget.strain(self.vendor, &error.to_string()),
        };
        self.budget.restore();
        if let Some(error) = &chunk.error {
            told.text.push_str(&chunk.text);
            if self.state == State::Speaking {
                return Err(stream_error(self.vendor, error));
            }
            // The reply was complete before it.
            self.state = State::Over;
            return Ok(());
        }
        told.works |= chunk.thinks || !chunk.tools.is_empty();
        // Only usage should follow the reason to finish; what follows it nevertheless says that it was none.
        let brings = !chunk.text.is_empty() || !chunk.tools.is_empty();
        let is_whole = chunk.is_whole;
        told.text.push_str(&self.reply.take(chunk)?);
        match self.state {
            State::Speaking if self.reply.finish.is_some() => {
                self.state = State::Tail { until: Instant::now() + TAIL_WAIT };
            }
            State::Tail { .. } if brings && !is_whole => {
                self.state = State::Tail { until: Instant::now() + UNSURE_WAIT };
            }
            _ => {}
        }
        Ok(())
    }

    /// Lines of data that are no object together: events of a server that leaves out the blank lines between them.
    fn take_lines(&mut self, data: &str, told: &mut Told) -> Result<(), Failure> {
        for line in data.lines() {
            self.take_event(&SseEvent { name: String::new(), data: line.to_owned() }, told)?;
            if self.state == State::Over {
                break;
            }
        }
        Ok(())
    }

    /// What has come and was not ended by a blank line or the body's end.
    fn take_rest(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let mut events = Vec::new();
        match std::mem::take(&mut self.form) {
            Form::Json(body) => events = objects(&body),
            Form::Unknown | Form::Events => {
                std::mem::take(&mut self.sse)
                    .finish(&mut events)
                    .map_err(|error| malformed(self.vendor, &error))?;
            }
        }
        self.take_events(events, Told::default(), out)
    }
}

impl exchange::Reader for Reader {
    fn wait_until(&self) -> Instant {
        match self.state {
            State::Tail { until } => until,
            State::Speaking | State::Over => Instant::now() + IDLE_DEADLINE,
        }
    }

    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        if matches!(self.form, Form::Unknown) {
            self.form = form(self.vendor, piece)?;
        }
        if let Form::Json(body) = &mut self.form {
            body.extend_from_slice(piece);
            if body.len() > EVENT_MAX {
                return Err(malformed(self.vendor, &SseError::EventTooLong));
            }
            return Ok(());
        }
        let (mut events, comments) = (Vec::new(), self.sse.comments());
        self.sse.push(piece, &mut events).map_err(|error| malformed(self.vendor, &error))?;
        let kept_alive = self.sse.comments() > comments;
        self.take_events(events, Told { kept_alive, ..Told::default() }, out)
    }

    /// The body ended as HTTP says a body ends. Whatever came is the reply: `[DONE]` and even the reason to finish may be
    /// missing. Only a reply of nothing, or of a tool call cut in its middle, has broken off.
    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        self.take_rest(out)?;
        if self.state == State::Speaking && !self.reply.may_end() {
            return Err(Failure::new(
                FailureClass::Unavailable,
                format!("{}: the reply broke off", self.vendor),
            ));
        }
        self.state = State::Over;
        Ok(())
    }

    /// The connection was lost. A reply that had its reason to finish is complete; otherwise the text so far is given first.
    fn cut(&mut self, failure: Failure, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let rest = self.take_rest(out);
        if self.state == State::Speaking {
            return Err(failure);
        }
        self.state = State::Over;
        rest
    }

    fn late(&mut self) -> Result<(), Failure> {
        if self.state == State::Speaking {
            return Err(halt(self.vendor));
        }
        self.state = State::Over;
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.state == State::Over
    }

    fn done(mut self, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, Failure> {
        let (calls, finish) = self.reply.end()?;
        calls.into_iter().for_each(|call| out.push(LlmEvent::ToolCall(call)));
        Ok(LlmEvent::Done { finish, usage: self.reply.usage })
    }
}

fn form(vendor: &str, piece: &[u8]) -> Result<Form, Failure> {
    match first_byte(piece) {
        None => Ok(Form::Unknown),
        Some(b'{' | b'[') => Ok(Form::Json(Vec::new())),
        Some(b'<') => Err(web_page(vendor)),
        Some(_) => Ok(Form::Events),
    }
}

/// The objects of a body that is no event stream, each as an event's data.
fn objects(body: &[u8]) -> Vec<SseEvent> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let event = |data: &str| SseEvent { name: String::new(), data: data.to_owned() };
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return vec![event(text)];
    }
    text.lines().map(event).collect()
}

fn malformed(vendor: &str, error: &SseError) -> Failure {
    Failure::new(FailureClass::Malformed, format!("{vendor}: {error}"))
}

fn halt(vendor: &str) -> Failure {
    Failure::new(FailureClass::TimedOut, format!("{vendor}: the reply came to a halt"))
}
