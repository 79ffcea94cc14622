//! The body of a streamed answer, paced by the script and bent by the faults.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::vendor::{
    faults::Cut,
    host::Record,
    lies::{Dialect, Liar, oversized},
    observe::Ending,
};

/// Events between the script and the socket; small, so that a cancelled request is noticed at its next token.
const IN_FLIGHT: usize = 1;

/// The pace of one answer.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) first_token: Duration,
    pub(crate) per_token: Duration,
}

/// Makes a genuine event and the text that is told in its place one event on the wire.
type Write = Box<dyn Fn(&Value, &str) -> String + Send + Sync>;

/// How a vendor tells an answer.
pub(crate) struct Manner {
    pub(crate) pace: Pace,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) write: Write,
    /// What comes on the wire after the last event.
    pub(crate) farewell: Option<String>,
    /// On the wire, the vendor's word for breaking off with this status.
    pub(crate) broken: fn(u16) -> String,
}

struct Gone;

/// These events as server-sent events.
pub(crate) fn body(record: Record, chunks: Vec<Value>, manner: Manner) -> Body {
    let (events, receiver) = mpsc::channel(IN_FLIGHT);
    let cut_ms = match record.faults.cut_after {
        Some(Cut::Ms(ms)) => Some(Duration::from_millis(ms)),
        _ => None,
    };
    tokio::spawn(async move {
        let liar = Liar::new(&record.faults, manner.dialect);
        let mut teller = Teller { liar, record, manner, events, sent: 0 };
        let told = async {
            match cut_ms {
                Some(after) => match tokio::time::timeout(after, teller.tell(chunks)).await {
                    Ok(told) => told,
                    Err(_) => {
                        teller.cut().await;
                        Err(Gone)
                    }
                },
                None => teller.tell(chunks).await,
            }
        }
        .await;
        teller.record.ended(if told.is_ok() { Ending::Answered } else { Ending::Dropped });
    });
    Body::from_stream(ReceiverStream::new(receiver))
}

struct Teller {
    record: Record,
    liar: Liar,
    manner: Manner,
    events: mpsc::Sender<Result<Bytes, Infallible>>,
    sent: u32,
}

impl Teller {
    async fn tell(&mut self, chunks: Vec<Value>) -> Result<(), Gone> {
        if self.record.faults.half_open {
            self.record.wire.stop_reading();
        }
        if self.record.faults.is_mute() {
            self.events.closed().await;
            return Err(Gone);
        }
        self.wait(Duration::from_millis(self.record.faults.first_byte_delay_ms)).await?;
        if matches!(self.record.faults.cut_after, Some(Cut::Messages(0))) {
            self.cut().await;
            return Err(Gone);
        }
        if let (Some(megabytes), Some(first)) = (self.record.faults.oversized_mb, chunks.first()) {
            self.say(first, &oversized(first.clone(), megabytes)).await?;
        }
        for (index, chunk) in chunks.iter().enumerate() {
            // The first event announces the answer and costs no token, but no vendor sends it before the first one.
            let delay = if index == 0 { self.manner.pace.first_token } else { self.manner.pace.per_token };
            let jitter = self.record.jitter();
            self.wait(delay + jitter).await?;
            for text in self.liar.tell(chunk) {
                self.say(chunk, &text).await?;
            }
        }
        if let (Some(text), Some(last)) = (self.liar.release(), chunks.last()) {
            self.say(last, &text).await?;
        }
        match self.manner.farewell.take() {
            Some(farewell) => self.send(farewell).await,
            None => Ok(()),
        }
    }

    async fn wait(&self, delay: Duration) -> Result<(), Gone> {
        if delay.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            () = self.events.closed() => Err(Gone),
        }
    }

    async fn say(&mut self, genuine: &Value, told: &str) -> Result<(), Gone> {
        let event = (self.manner.write)(genuine, told);
        self.send(event).await
    }

    async fn send(&mut self, event: String) -> Result<(), Gone> {
        self.events.send(Ok(Bytes::from(event))).await.map_err(|_| Gone)?;
        self.sent += 1;
        self.record.edit(|exchange| exchange.sent_messages += 1);
        if matches!(self.record.faults.cut_after, Some(Cut::Messages(most)) if self.sent >= most) {
            self.cut().await;
            return Err(Gone);
        }
        Ok(())
    }

    /// End the answer in its middle: by the vendor's error event when the faults name a status-like close code
    /// (500 and above), else by a reset.
    async fn cut(&mut self) {
        self.record.ended(Ending::Cut);
        if let Some(code @ 500..=599) = self.record.faults.close_code {
            let event = (self.manner.broken)(code);
            // A client that left first misses nothing.
            let _ = self.events.send(Ok(Bytes::from(event))).await;
            return;
        }
        // The events already handed over must reach the socket before it is reset.
        self.drained().await;
        self.record.wire.reset();
        self.events.closed().await;
    }

    async fn drained(&self) {
        // Holding every permit means that the queue has been taken over by the connection's task.
        let _ = tokio::time::timeout(DRAIN_DEADLINE, self.events.reserve_many(IN_FLIGHT)).await;
        tokio::time::sleep(FLUSH_PAUSE).await;
    }
}

/// A client that reads nothing does not delay the cut longer than this.
const DRAIN_DEADLINE: Duration = Duration::from_secs(1);
/// The connection's task writes what it took in its next turn; nothing tells when it has.
const FLUSH_PAUSE: Duration = Duration::from_millis(20);
