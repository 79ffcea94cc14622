//! One question over HTTP and its streamed answer: what all models behind HTTP do alike.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::{LlmEvent, LlmRequest, LlmStream};
use crate::provider::egress::chat::read_refusal;
use crate::provider::egress::{Refusal, http_failure};
use crate::provider::outlet::{End, Outlet};
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};

/// Request to response head. The session gives up much earlier; this ends what it forgot.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Opening a connection ahead is a favour, not worth a long wait.
const WARM_DEADLINE: Duration = Duration::from_secs(5);
/// Silence within a reply after which it is given up. The session has its own, shorter patience; this one ends what nobody
/// waits for any more.
pub(super) const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// After the end, how long and how much is read so that the connection can be used again.
const DRAIN_WAIT: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 1 << 20;

/// A model that is asked over HTTP.
pub(super) trait Asked: Clone + Send + Sync + 'static {
    /// Ask, pass everything but the last event on, and return the last.
    fn answer(
        &self,
        request: &LlmRequest,
        out: &mut Outlet<LlmEvent>,
    ) -> impl Future<Output = Result<LlmEvent, End>> + Send;

    /// Open a connection ahead of the first question: name, TCP and TLS are then out of the first reply's way.
    fn warm(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Ask in a task of its own, which dropping the stream ends, and the connection with it.
pub(super) fn ask<A: Asked>(model: &A, request: LlmRequest) -> LlmStream {
    let (sender, events) = mpsc::channel(STREAM_DEPTH);
    let model = model.clone();
    let task = tokio::spawn(async move {
        let mut outlet = Outlet::new(sender);
        let last = match Box::pin(model.answer(&request, &mut outlet)).await {
            Ok(done) => done,
            Err(End::Failed(failure)) => LlmEvent::Failed(failure),
            Err(End::ReaderGone) => return,
        };
        outlet.finish(Some(last)).await;
    });
    LlmStream { events, task: TaskGuard::new(task) }
}

/// Open a connection ahead, in a task of its own.
pub(super) fn warm_up<A: Asked>(model: &A) {
    let model = model.clone();
    tokio::spawn(async move {
        if let Err(failure) = Box::pin(model.warm()).await {
            tracing::debug!(%failure, "no connection ahead of the first question");
        }
    });
}

/// Send a request and wait for the head of the answer.
pub(super) async fn send(
    vendor: &str,
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, Failure> {
    let late = |_| Failure::new(FailureClass::TimedOut, format!("{vendor}: no answer in time"));
    timeout(HEAD_DEADLINE, request.send()).await.map_err(late)?.map_err(http_failure)
}

/// Open a connection ahead by a small request, whose refusal means what the vendor's own words say.
pub(super) async fn open_ahead(
    vendor: &str,
    asking: impl Future<Output = Result<reqwest::Response, Failure>>,
    refused: impl Fn(&Refusal) -> Failure,
) -> Result<(), Failure> {
    let exchange = async {
        let answer = asking.await?;
        if !answer.status().is_success() {
            let refusal = read_refusal(answer).await;
            // A server without this route still has its connection open now.
            return if refusal.status == 404 { Ok(()) } else { Err(refused(&refusal)) };
        }
        // The connection returns to the pool once its body is read.
        drain_pieces(Box::pin(answer.bytes_stream())).await;
        Ok(())
    };
    let late = |_| Failure::new(FailureClass::TimedOut, format!("{vendor}: no connection in time"));
    timeout(WARM_DEADLINE, Box::pin(exchange)).await.map_err(late)?
}

/// What makes events of the pieces of a body.
pub(super) trait Reader {
    /// How long the next piece is waited for.
    fn wait_until(&self) -> Instant;
    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    /// The body ended as HTTP says a body ends.
    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    /// The connection was lost.
    fn cut(&mut self, failure: Failure, out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    /// Nothing came in time.
    fn late(&mut self) -> Result<(), Failure>;
    /// Whether the reply is over, whatever else may come.
    fn is_over(&self) -> bool;
    /// The last event of a reply that is over; the tools that it calls go out before.
    fn done(self, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, Failure>;
}

/// Pass a reply on; the last event is returned. While the reader of the events is slow nothing is read, so that the vendor slows
/// down too.
pub(super) async fn read<R: Reader>(
    mut body: impl Stream<Item = reqwest::Result<Bytes>> + Send + Unpin + 'static,
    mut reader: R,
    out: &mut Outlet<LlmEvent>,
) -> Result<LlmEvent, End> {
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
        if reader.is_over() {
            let done = reader.done(out)?;
            // Reading on to the end lets the connection be used again; the reply need not wait for that.
            tokio::spawn(drain_pieces(body));
            return Ok(done);
        }
    }
}

/// Read the rest of a body, in bounds.
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

/// The first byte that says something: the three bytes of a mark of order may stand before everything.
pub(super) fn first_byte(piece: &[u8]) -> Option<u8> {
    piece.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf))
}

/// Somebody else answers at the address.
pub(super) fn web_page(vendor: &str) -> Failure {
    let detail = format!(
        "{vendor}: the server answered with a web page; base_url must be the address of its API, with /v1 where it has one"
    );
    Failure::new(FailureClass::Malformed, detail)
}
