//! Reading a streamed reply to its end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::stream_error;
use super::event::{parse_error, parse_event};
use super::reply::Reply;
use super::sse::{EVENT_MAX, SseError, SseEvent, SseParser};
use crate::provider::budget::Budget;
use crate::provider::egress::http_failure;
use crate::provider::llm::{Finish, LlmEvent};
use crate::provider::outlet::{End, Outlet};
use crate::provider::{Failure, FailureClass};

/// Silence within a reply after which it is given up. The session has its own, shorter patience; this one ends what nobody
/// waits for any more.
const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// After the reason to finish, usage follows at once or not at all …
const TAIL_WAIT: Duration = Duration::from_millis(500);
/// … but for servers that give a reason with every piece of the text.
const UNSURE_WAIT: Duration = Duration::from_secs(4);
/// So long a server that only keeps the connection alive counts as at work.
const KEPT_ALIVE: Duration = Duration::from_secs(10);
/// After the end, how long and how much is read so that the connection can be used again.
const DRAIN_WAIT: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 1 << 20;

/// An accepted request's answer, of which the beginning was looked at.
pub(super) struct Answer {
    begun: Vec<Bytes>,
    rest: reqwest::Response,
}

impl Answer {
    /// Look at a response's beginning if its head says that a page follows: some servers say so of an event stream.
    pub(super) async fn of(mut rest: reqwest::Response) -> Result<Self, Failure> {
        let mut begun = Vec::new();
        let kind = rest.headers().get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let may_be_page =
            kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
        while may_be_page && begun.iter().all(|piece: &Bytes| first_byte(piece).is_none()) {
            let late = |_| Failure::new(FailureClass::TimedOut, "openai: the reply came to a halt");
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
pub(super) async fn read(answer: Answer, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
    let begun = futures_util::stream::iter(answer.begun.into_iter().map(Ok));
    let mut body = Box::pin(begun.chain(answer.rest.bytes_stream()));
    let mut reader = Reader::new();
    loop {
        let end = reader.wait_until();
        let piece = tokio::select! {
            piece = timeout_at(end, body.next()), if out.is_empty() => piece,
            delivered = out.run() => { delivered?; continue; }
        };
        match piece {
            Ok(Some(Ok(piece))) => reader.take(&piece, out)?,
            Ok(Some(Err(error))) => reader.cut(http_failure(error), out)?,
            Ok(None) => reader.over(out)?,
            Err(_) => reader.late()?,
        }
        if reader.state == State::Over {
            reader.end_reply(out)?;
            // Reading on to the end lets the connection be used again; the reply need not wait for that.
            tokio::spawn(drain_pieces(body));
            return Ok(reader.done());
        }
    }
}

/// Read the rest of a response, in bounds.
pub(super) async fn drain(response: reqwest::Response) {
    drain_pieces(Box::pin(response.bytes_stream())).await;
}

async fn drain_pieces(mut body: impl Stream<Item = reqwest::Result<Bytes>> + Unpin) {
    let reading = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(piece)) = body.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                break;
            }
        }
    };
    let _not_worth_more = timeout(DRAIN_WAIT, reading).await;
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

struct Reader {
    form: Form,
    sse: SseParser,
    reply: Reply,
    state: State,
    end: Option<Finish>,
    budget: Budget,
    kept_alive_until: Instant,
}

impl Reader {
    fn new() -> Self {
        Self {
            form: Form::default(),
            sse: SseParser::default(),
            reply: Reply::default(),
            state: State::default(),
            end: None,
            budget: Budget::default(),
            kept_alive_until: Instant::now() + KEPT_ALIVE,
        }
    }

    fn wait_until(&self) -> Instant {
        match self.state {
            State::Tail { until } => until,
            State::Speaking | State::Over => Instant::now() + IDLE_DEADLINE,
        }
    }

    /// Take a piece of the body.
    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        if matches!(self.form, Form::Unknown) {
            self.form = form(piece)?;
        }
        if let Form::Json(body) = &mut self.form {
            body.extend_from_slice(piece);
            if body.len() > EVENT_MAX {
                return Err(malformed(&SseError::EventTooLong));
            }
            return Ok(());
        }
        let (mut events, comments) = (Vec::new(), self.sse.comments());
        self.sse.push(piece, &mut events).map_err(|error| malformed(&error))?;
        let kept_alive = self.sse.comments() > comments;
        self.take_events(events, Told { kept_alive, ..Told::default() }, out)
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

    fn end_reply(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        if self.end.is_none() {
            let (calls, finish) = self.reply.end()?;
            self.end = Some(finish);
            calls.into_iter().for_each(|call| out.push(LlmEvent::ToolCall(call)));
        }
        Ok(())
    }

    fn take_event(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.trim_matches('"').eq_ignore_ascii_case("[DONE]") {
            self.state = State::Over;
            return Ok(());
        }
        if event.name == "error" {
            return Err(stream_error(&parse_error(data)));
        }
        if !data.starts_with(['{', '[']) {
            // A keep-alive as data: nothing, "ping", ": OPENROUTER PROCESSING".
            told.kept_alive = true;
            return Ok(());
        }
        let chunk = match parse_event(data) {
            Ok(chunk) => chunk,
            Err(_) if data.contains('\n') => return self.take_lines(data, told),
            Err(error) => return self.budget.strain(super::NAME, &error.to_string()),
        };
        self.budget.restore();
        if let Some(error) = &chunk.error {
            told.text.push_str(&chunk.text);
            if self.state == State::Speaking {
                return Err(stream_error(error));
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
                std::mem::take(&mut self.sse).finish(&mut events).map_err(|error| malformed(&error))?;
            }
        }
        self.take_events(events, Told::default(), out)
    }

    /// The body ended as HTTP says a body ends. Whatever came is the reply: `[DONE]` and even the reason to finish may be
    /// missing. Only a reply of nothing, or of a tool call cut in its middle, has broken off.
    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        self.take_rest(out)?;
        if self.state == State::Speaking && !self.reply.may_end() {
            return Err(Failure::new(FailureClass::Unavailable, "openai: the reply broke off"));
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
            return Err(Failure::new(FailureClass::TimedOut, "openai: the reply came to a halt"));
        }
        self.state = State::Over;
        Ok(())
    }

    fn done(self) -> LlmEvent {
        LlmEvent::Done { finish: self.end.unwrap_or(Finish::Stop), usage: self.reply.usage }
    }
}

/// What the events of one piece bring for the reader.
#[derive(Default)]
struct Told {
    text: String,
    works: bool,
    kept_alive: bool,
}

/// The first byte that says something: the three bytes of a mark of order may stand before everything.
fn first_byte(piece: &[u8]) -> Option<u8> {
    piece.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf))
}

fn form(piece: &[u8]) -> Result<Form, Failure> {
    match first_byte(piece) {
        None => Ok(Form::Unknown),
        Some(b'{' | b'[') => Ok(Form::Json(Vec::new())),
        Some(b'<') => Err(web_page()),
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

fn malformed(error: &SseError) -> Failure {
    Failure::new(FailureClass::Malformed, format!("openai: {error}"))
}

fn web_page() -> Failure {
    let detail = "openai: the server answered with a web page; base_url must be the address of its API, with /v1 where it has one";
    Failure::new(FailureClass::Malformed, detail)
}
