//! The body of a streamed answer, paced by the script and bent by the faults.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{answer::Tongue, habit::Habit, refusal::Refusal};
use crate::vendor::{
    faults::Cut,
    host::Record,
    lies::{Liar, oversized},
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

struct Gone;

/// Server-sent events for these chunks, then `[DONE]`, with the server's habits.
pub(crate) fn body(record: Record, chunks: Vec<Value>, (pace, habits): (Pace, Vec<Habit>)) -> Body {
    let chunks = Habit::bend(&habits, chunks);
    let (events, receiver) = mpsc::channel(IN_FLIGHT);
    let cut_ms = match record.faults.cut_after {
        Some(Cut::Ms(ms)) => Some(Duration::from_millis(ms)),
        _ => None,
    };
    tokio::spawn(async move {
        let mut teller = Teller { liar: Liar::new(&record.faults, &Tongue), record, habits, events, sent: 0 };
        let told = async {
            match cut_ms {
                Some(after) => match tokio::time::timeout(after, teller.tell(chunks, pace)).await {
                    Ok(told) => told,
                    Err(_) => {
                        teller.cut().await;
                        Err(Gone)
                    }
                },
                None => teller.tell(chunks, pace).await,
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
    habits: Vec<Habit>,
    events: mpsc::Sender<Result<Bytes, Infallible>>,
    sent: u32,
}

impl Teller {
    async fn tell(&mut self, chunks: Vec<Value>, pace: Pace) -> Result<(), Gone> {
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
            self.send(&oversized(first.clone(), megabytes)).await?;
        }
        for (index, chunk) in chunks.iter().enumerate() {
            // The role delta announces the answer and costs no token, but no vendor sends it before the first one.
            let delay = if index == 0 { pace.first_token } else { pace.per_token };
            let jitter = self.record.jitter();
            self.wait(delay + jitter).await?;
            for text in self.liar.tell(chunk) {
                self.send(&text).await?;
            }
        }
        if let Some(text) = self.liar.release() {
            self.send(&text).await?;
        }
        if self.habits.contains(&Habit::NoDone) { Ok(()) } else { self.send("[DONE]").await }
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

    async fn send(&mut self, data: &str) -> Result<(), Gone> {
        self.events.send(Ok(Bytes::from(Habit::write(&self.habits, data)))).await.map_err(|_| Gone)?;
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
            let event = format!("data: {}\n\n", Refusal::scripted(code).body());
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
