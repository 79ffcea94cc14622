//! A codec on a link, whose vendor is the test.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{SttEvent, SttInput};
use crate::provider::egress::{Incoming, WebSocket};
use crate::provider::link::{self, Codec};
use crate::provider::{Failure, STREAM_DEPTH};

/// Both ends of a stream.
pub(super) struct Call {
    pub input: mpsc::Sender<SttInput>,
    pub events: mpsc::Receiver<SttEvent>,
    pub vendor: WebSocket,
    pub task: JoinHandle<()>,
}

/// A stream with this codec.
pub(super) async fn call<C>(codec: C) -> Call
where
    C: Codec<Order = SttInput, Event = SttEvent> + 'static,
{
    let (ours, vendor) = WebSocket::pair().await;
    let (input, input_end) = mpsc::channel(STREAM_DEPTH);
    let (events_end, events) = mpsc::channel(STREAM_DEPTH);
    let connections = std::sync::Mutex::new(Some(ours));
    let task = tokio::spawn(async move {
        let connect = || std::future::ready(Ok(connections.lock().unwrap().take().unwrap()));
        link::run(codec, connect, input_end, events_end).await;
    });
    Call { input, events, vendor, task }
}

impl Call {
    /// What the client sends next, in words.
    pub async fn vendor_hears(&mut self) -> String {
        match self.vendor.next().await.unwrap() {
            Incoming::Text(text) => text.as_str().to_owned(),
            Incoming::Binary(bytes) => format!("{} bytes", bytes.len()),
            Incoming::Closed { .. } => "closed".into(),
        }
    }

    pub async fn vendor_says(&mut self, message: Value) {
        self.vendor.send_text(message.to_string()).await.unwrap();
    }

    pub async fn next(&mut self) -> SttEvent {
        self.events.recv().await.expect("the stream goes on")
    }

    pub async fn failure(&mut self) -> Failure {
        loop {
            match self.next().await {
                SttEvent::Failed(failure) => return failure,
                _ => continue,
            }
        }
    }
}

/// What a stream fails with when its vendor closes it so; `welcome` is what the vendor says first.
pub(super) async fn closed_with<C>(codec: C, welcome: Option<Value>, (code, reason): (u16, &str)) -> Failure
where
    C: Codec<Order = SttInput, Event = SttEvent> + 'static,
{
    let Call { mut events, mut vendor, input: _input, task: _task } = call(codec).await;
    if let Some(welcome) = welcome {
        vendor.send_text(welcome.to_string()).await.unwrap();
    }
    vendor.close_with(code, reason).await;
    loop {
        match events.recv().await.expect("a failure comes before the end") {
            SttEvent::Failed(failure) => {
                assert_eq!(events.recv().await, None);
                return failure;
            }
            _ => continue,
        }
    }
}
