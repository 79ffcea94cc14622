//! Server-sent events (HTML standard, section 9.2): one kind of answer for every stream of the API. A stream begins with a `retry`
//! hint, says something every [`HEARTBEAT`], ends with the server or after [`STREAM_LIFE`], and holds a bounded number of
//! events for a client that reads slowly.

mod event;
mod last_event_id;
mod places;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::serve::Ending;

pub use event::Event;
pub use last_event_id::LastEventId;
pub use places::{Place, Streams};

/// Longest silence on a stream. Less than half of what proxies wait (60 s), and of what the listener does (30 s).
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this and its client comes again, by itself: a credential that was revoked reads no longer than this.
pub const STREAM_LIFE: Duration = Duration::from_secs(600);
/// Events that wait for a client that reads slowly. One more ends its stream: it comes again, and resumes.
pub const BUFFER: usize = 256;
/// A client comes again after at least this, and at most twice as much later: those of a bridge that was started again do
/// not come all at once.
const RETRY_MS: u64 = 1_000;
/// Events that are written in one piece, bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// What a comment is for the client: nothing.
const BEAT: &[u8] = b":\n\n";

/// How a stream keeps time.
#[derive(Clone, Copy, Debug)]
pub struct Pacing {
    pub heartbeat: Duration,
    pub life: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { heartbeat: HEARTBEAT, life: STREAM_LIFE }
    }
}

/// Where the events of one stream come from; dropped to end the stream when the client has what waits.
#[derive(Clone, Debug)]
pub struct Feed(mpsc::Sender<Event>);

/// The client is gone, or so far behind that its stream is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Feed {
    /// Give the client an event, without waiting. When it is lost the feed is to be dropped.
    pub fn offer(&self, event: &Event) -> Result<(), Lost> {
        self.0.try_send(event.clone()).map_err(|_| Lost)
    }

    /// Whether the client is still there, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.0.is_closed()
    }
}

/// A stream's events on their way to the answer: first what it begins with, then what is offered.
#[derive(Debug)]
pub struct Source {
    first: VecDeque<Event>,
    rest: mpsc::Receiver<Event>,
}

/// A stream that begins with these events.
pub fn feed(first: Vec<Event>) -> (Feed, Source) {
    let (sender, rest) = mpsc::channel(BUFFER);
    (Feed(sender), Source { first: first.into(), rest })
}

/// The answer to a request for a stream. It keeps its place until the connection ends.
pub fn answer(request: &HttpRequest, place: Place, source: Source) -> HttpResponse {
    let pacing = place.pacing();
    let ending = request.conn_data::<Ending>().map(Ending::wait);
    let retry = RETRY_MS + rand::random_range(0..=RETRY_MS);
    HttpResponse::build(StatusCode::OK)
        .content_type("text/event-stream")
        // nginx would keep events until it has some kilobytes of them.
        .insert_header(("x-accel-buffering", "no"))
        .body(Body {
            greeting: Some(Bytes::from(format!("retry: {retry}\n\n"))),
            source,
            pacing,
            beat: Box::pin(sleep(pacing.heartbeat)),
            ends_at: Instant::now() + pacing.life,
            ending: ending.map(Box::pin),
            _place: place,
        })
}

/// To a client that has had the last event of what it asks for. The standard's way to tell it not to come again.
pub fn nothing_more() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

struct Body {
    greeting: Option<Bytes>,
    source: Source,
    pacing: Pacing,
    beat: Pin<Box<Sleep>>,
    ends_at: Instant,
    /// The server's; a stream must not hold up its end.
    ending: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    _place: Place,
}

impl Body {
    /// What waits, in one piece.
    fn piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut piece = BytesMut::new();
        while piece.len() < PIECE_BYTES {
            let next = match self.source.first.pop_front() {
                Some(event) => Poll::Ready(Some(event)),
                None => self.source.rest.poll_recv(context),
            };
            match next {
                Poll::Ready(Some(event)) => piece.extend_from_slice(event.as_bytes()),
                Poll::Ready(None) if piece.is_empty() => return Poll::Ready(None),
                Poll::Pending if piece.is_empty() => return Poll::Pending,
                _ => break,
            }
        }
        Poll::Ready(Some(piece.freeze()))
    }
}

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if let Some(greeting) = this.greeting.take() {
            return Poll::Ready(Some(Ok(greeting)));
        }
        let is_ending = this.ending.as_mut().is_some_and(|ending| ending.as_mut().poll(context).is_ready());
        if is_ending || Instant::now() >= this.ends_at {
            return Poll::Ready(None);
        }
        let piece = match this.piece(context) {
            Poll::Ready(piece) => piece,
            Poll::Pending => {
                ready!(this.beat.as_mut().poll(context));
                Some(Bytes::from_static(BEAT))
            }
        };
        this.beat.as_mut().reset(Instant::now() + this.pacing.heartbeat);
        Poll::Ready(piece.map(Ok))
    }
}
