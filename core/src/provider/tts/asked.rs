//! Voices that are asked for one text after the other over HTTP. The next text is asked for while the last one's sound is read, so that
//! no silence is between two sentences; an interruption drops the connection, which is how such a vendor is told to stop.

mod body;
mod queue;
mod requests;
mod wav;

use std::future::Future;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

pub use body::{Body, BodyError, Heard, SoundBody};
pub use requests::Requests;
pub use wav::{WavError, WavReader};

use super::{TtsEvent, TtsInput, TtsStream};
use crate::provider::egress::chat::read_refusal;
use crate::provider::egress::{Refusal, http_failure};
use crate::provider::outlet::Outlet;
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};
use queue::{Queue, Step};

/// Request to response head. The session gives up much earlier; this ends what it forgot.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Silence within an answer after which it is given up, likewise.
const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// How long the first connection may take.
const WARM_DEADLINE: Duration = Duration::from_secs(5);
/// The answer to a question that only opens a connection is read up to this, so that the connection can be used again.
const WARM_BYTES: usize = 1 << 20;

/// An accepted request's answer.
pub(super) struct Answer<B> {
    pub response: reqwest::Response,
    pub body: B,
    /// Characters that the vendor bills, where it says so.
    pub billed: Option<u64>,
}

/// A vendor that is asked over HTTP.
pub(super) trait Asked: Clone + Send + Sync + 'static {
    type Body: Body + 'static;

    fn vendor(&self) -> &'static str;
    /// Longest text of one request, characters.
    fn text_chars_max(&self) -> usize;
    /// Ask for the speech of a text; give the head of the answer.
    fn ask(&self, text: String) -> impl Future<Output = Result<Answer<Self::Body>, Failure>> + Send;
    /// Open a connection ahead by a small request that shows whether the key is good.
    fn warm(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A voice in a task of its own, which dropping the stream ends, and its connections with it.
pub(super) fn stream<A: Asked>(asked: &A, rate_hz: u32) -> TtsStream {
    let (input, orders) = mpsc::channel(STREAM_DEPTH);
    let (events_end, events) = mpsc::channel(STREAM_DEPTH);
    let asked = asked.clone();
    let task = tokio::spawn(async move { Box::pin(run(asked, rate_hz, orders, events_end)).await });
    TtsStream { input, events, task: TaskGuard::new(task) }
}

async fn run<A: Asked>(
    asked: A,
    rate_hz: u32,
    orders: mpsc::Receiver<TtsInput>,
    events: mpsc::Sender<TtsEvent>,
) {
    let warmed = tokio::select! {
        warmed = timeout(WARM_DEADLINE, Box::pin(asked.warm())) => warmed,
        () = events.closed() => return,
    };
    let mut outlet = Outlet::new(events);
    let late = |_| Failure::new(FailureClass::TimedOut, format!("{}: no connection in time", asked.vendor()));
    let end = match warmed.map_err(late).and_then(|warmed| warmed) {
        Err(failure) => Err(failure),
        Ok(()) => {
            outlet.push(TtsEvent::Ready);
            let mut queue = Queue::new(asked, rate_hz);
            let end = Box::pin(serve(&mut queue, orders, &mut outlet)).await;
            queue.bills().for_each(|event| outlet.push(event));
            end
        }
    };
    outlet.finish(end.err().map(TtsEvent::Failed)).await;
}

/// Until nobody gives orders any more and all is spoken, or nobody listens.
async fn serve<A: Asked>(
    queue: &mut Queue<A>,
    mut orders: mpsc::Receiver<TtsInput>,
    outlet: &mut Outlet<TtsEvent>,
) -> Result<(), Failure> {
    let mut is_open = true;
    loop {
        queue.arrange()?.into_iter().for_each(|event| outlet.push(event));
        if !is_open && queue.is_empty() && outlet.is_empty() {
            return Ok(());
        }
        let reads = outlet.is_empty();
        let takes = is_open && queue.takes_orders();
        // In this order: an interruption before the sound it interrupts.
        tokio::select! {
            biased;
            order = orders.recv(), if takes => match order {
                None => {
                    is_open = false;
                    queue.end_all();
                }
                Some(order) => {
                    if let TtsInput::Cancel { utterance } = order {
                        outlet.retain(|event| event.utterance() != Some(utterance));
                    }
                    queue.order(order, Instant::now()).into_iter().for_each(|event| outlet.push(event));
                }
            },
            delivered = outlet.run() => if delivered.is_err() { return Ok(()) },
            step = queue.next(reads) => match step {
                Step::Answered(answer) => queue.answered(answer),
                Step::Piece(piece) => queue.take(&piece)?.into_iter().for_each(|event| outlet.push(event)),
                Step::End => queue.end()?.into_iter().for_each(|event| outlet.push(event)),
                Step::Failed(failure) => return Err(failure),
            },
        }
    }
}

/// Send a request and wait for the head of the answer, or for all of a refusal.
pub(super) async fn send(
    vendor: &str,
    request: reqwest::RequestBuilder,
) -> Result<Result<reqwest::Response, Refusal>, Failure> {
    let late = |_| Failure::new(FailureClass::TimedOut, format!("{vendor}: no answer in time"));
    let response = timeout(HEAD_DEADLINE, request.send()).await.map_err(late)?.map_err(http_failure)?;
    if !response.status().is_success() {
        return Ok(Err(read_refusal(response).await));
    }
    Ok(Ok(response))
}

/// Whether a head promises sound, and not a text: an error that does not say so, or another server's page.
///
/// # Errors
/// `Malformed` for a text.
pub(super) fn check_is_sound(vendor: &str, response: &reqwest::Response) -> Result<(), Failure> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    if kind.starts_with("text/") || kind.starts_with("application/json") {
        let kind = kind.split(';').next().unwrap_or_default();
        let detail =
            format!("{vendor}: the answer is {kind} and no sound; is base_url the address of its API?");
        return Err(Failure::new(FailureClass::Malformed, detail));
    }
    Ok(())
}

/// Send a small request and read its answer to the end, in bounds, so that its connection can be used again. `refused` says what a
/// refusal means; a server that does not know the question has its connection open all the same.
pub(super) async fn warmed(
    vendor: &str,
    request: reqwest::RequestBuilder,
    refused: impl Fn(&Refusal) -> Option<Failure>,
) -> Result<(), Failure> {
    let mut response = match send(vendor, request).await? {
        Ok(response) => response,
        Err(refusal) => return refused(&refusal).map_or(Ok(()), Err),
    };
    let mut left = WARM_BYTES;
    while let Ok(Some(piece)) = response.chunk().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            break;
        }
    }
    Ok(())
}
