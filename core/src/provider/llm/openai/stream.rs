//! Reading a streamed reply to its end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::stream_error;
use super::event::{StreamError, parse_event};
use super::reply::Reply;
use super::sse::{SseEvent, SseParser};
use crate::provider::egress::http_failure;
use crate::provider::llm::LlmEvent;
use crate::provider::outlet::{Gone, Outlet};
use crate::provider::{Failure, FailureClass};

/// Silence within a reply after which it is given up. The session has its own, shorter patience; this one ends what nobody
/// waits for any more.
const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// After the reason to finish, usage follows at once or not at all.
const TAIL_WAIT: Duration = Duration::from_millis(500);
/// After the end, how long and how much is read so that the connection can be used again.
const DRAIN_WAIT: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 1 << 20;
/// Events in a row that cannot be understood before the stream counts as broken.
const MALFORMED_MAX: u32 = 5;

/// Why there is no `Done`.
pub(super) enum End {
    ReaderGone,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::ReaderGone
    }
}

/// Pass a reply on; the last event is returned.
pub(super) async fn read(response: reqwest::Response, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, End> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let detail = "openai: the server answered in one piece; it must support stream: true";
        return Err(Failure::new(FailureClass::Malformed, detail).into());
    }
    let mut body = Box::pin(response.bytes_stream());
    let mut reader = Reader::default();
    loop {
        let end = reader.wait_until();
        let piece = tokio::select! {
            piece = timeout_at(end, body.next()), if out.is_empty() => piece,
            delivered = out.run() => { delivered?; continue; }
        };
        match piece {
            Ok(Some(piece)) => reader.take(&piece.map_err(http_failure)?, out)?,
            Ok(None) => reader.over(out)?,
            Err(_) => reader.late()?,
        }
        if reader.state == State::Over {
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

#[derive(Default)]
struct Reader {
    sse: SseParser,
    reply: Reply,
    state: State,
    end: Option<crate::provider::llm::Finish>,
    malformed: u32,
}

impl Reader {
    fn wait_until(&self) -> Instant {
        match self.state {
            State::Tail { until } => until,
            State::Speaking | State::Over => Instant::now() + IDLE_DEADLINE,
        }
    }

    /// Take a piece of the body. The texts of all events in it go out as one.
    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let mut events = Vec::new();
        let malformed =
            |error: super::SseError| Failure::new(FailureClass::Malformed, format!("openai: {error}"));
        self.sse.push(piece, &mut events).map_err(malformed)?;
        self.take_events(events, out)
    }

    fn take_events(&mut self, events: Vec<SseEvent>, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let mut text = String::new();
        let mut outcome = Ok(());
        for event in events {
            outcome = self.take_event(&event).map(|more| text.push_str(&more));
            if outcome.is_err() || self.state == State::Over {
                break;
            }
        }
        if !text.is_empty() {
            out.push(LlmEvent::Text(text));
        }
        outcome?;
        if self.state != State::Speaking && self.end.is_none() {
            let (calls, finish) = self.reply.end()?;
            self.end = Some(finish);
            calls.into_iter().for_each(|call| out.push(LlmEvent::ToolCall(call)));
        }
        Ok(())
    }

    fn take_event(&mut self, event: &SseEvent) -> Result<String, Failure> {
        if event.data.trim() == "[DONE]" {
            self.state = State::Over;
            return Ok(String::new());
        }
        let chunk = match parse_event(&event.data) {
            Ok(chunk) => chunk,
            Err(_) if event.name == "error" => return Err(stream_error(&StreamError::default())),
            Err(error) => return self.count_malformed(&error.to_string()).map(|()| String::new()),
        };
        self.malformed = 0;
        if let Some(error) =
            chunk.error.clone().or_else(|| (event.name == "error").then(StreamError::default))
        {
            return Err(stream_error(&error));
        }
        if self.end.is_some() {
            // Only usage is expected after the end.
            self.reply.usage = chunk.usage.or(self.reply.usage);
            return Ok(String::new());
        }
        let text = self.reply.take(chunk)?;
        if self.reply.finish.is_some() && self.state == State::Speaking {
            self.state = State::Tail { until: Instant::now() + TAIL_WAIT };
        }
        Ok(text)
    }

    fn count_malformed(&mut self, what: &str) -> Result<(), Failure> {
        self.malformed += 1;
        tracing::warn!(provider = super::NAME, what, count = self.malformed, "an event was not understood");
        if self.malformed < MALFORMED_MAX {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Malformed, format!("openai sends what it should not: {what}")))
    }

    /// The body ended: fine after a reason to finish (`[DONE]` may be missing), a cut before it.
    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let mut events = Vec::new();
        let malformed =
            |error: super::SseError| Failure::new(FailureClass::Malformed, format!("openai: {error}"));
        std::mem::take(&mut self.sse).finish(&mut events).map_err(malformed)?;
        self.take_events(events, out)?;
        if self.state == State::Speaking {
            return Err(Failure::new(FailureClass::Unavailable, "openai: the reply broke off"));
        }
        self.state = State::Over;
        Ok(())
    }

    fn late(&mut self) -> Result<(), Failure> {
        if self.state == State::Speaking {
            return Err(Failure::new(FailureClass::TimedOut, "openai: the reply came to a halt"));
        }
        self.state = State::Over;
        Ok(())
    }

    fn done(self) -> LlmEvent {
        LlmEvent::Done {
            finish: self.end.unwrap_or(crate::provider::llm::Finish::Stop),
            usage: self.reply.usage,
        }
    }
}
