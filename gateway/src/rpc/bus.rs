//! Channels of Redis: what is published to one comes to all who listen to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use prost::Message as _;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Envelope, Named};

/// Messages of a channel that wait.
const WAITING: usize = 100;
/// How long a message that many could take is one's who took it, seconds.
const TAKEN_S: u64 = 5;

/// Redis does not do what is asked.
#[derive(Debug, thiserror::Error)]
#[error("Redis: {0}")]
pub struct BusError(#[from] redis::RedisError);

type Listeners = Arc<Mutex<HashMap<String, mpsc::Sender<Vec<u8>>>>>;

/// A connection to publish and one to listen. Cheap to clone. There is one listener for a channel.
#[derive(Clone)]
pub(crate) struct Bus {
    publisher: MultiplexedConnection,
    sink: Arc<tokio::sync::Mutex<PubSubSink>>,
    listeners: Listeners,
}

/// What comes of a channel. It is listened to no longer when this is dropped.
pub(crate) struct Channel<M> {
    messages: mpsc::Receiver<Vec<u8>>,
    name: String,
    bus: Bus,
    kind: std::marker::PhantomData<M>,
}

impl Bus {
    pub(crate) async fn connect(url: &str) -> Result<Self, BusError> {
        let client = redis::Client::open(url)?;
        let publisher = client.get_multiplexed_async_connection().await?;
        let (sink, stream) = client.get_async_pubsub().await?.split();
        let listeners = Listeners::default();
        tokio::spawn(listen(stream, Arc::clone(&listeners)));
        Ok(Self { publisher, sink: Arc::new(tokio::sync::Mutex::new(sink)), listeners })
    }

    pub(crate) async fn publish<M: Named>(&self, channel: &str, message: &M) -> Result<(), BusError> {
        let envelope =
            Envelope { type_url: format!("type.googleapis.com/{}", M::NAME), value: message.encode_to_vec() };
        let mut publisher = self.publisher.clone();
        let command = redis::cmd("PUBLISH").arg(channel).arg(envelope.encode_to_vec()).to_owned();
        command.query_async::<i64>(&mut publisher).await?;
        Ok(())
    }

    /// Listen. It has begun when this returns.
    pub(crate) async fn subscribe<M: Named>(&self, name: String) -> Result<Channel<M>, BusError> {
        let (sender, messages) = mpsc::channel(WAITING);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), sender);
        let channel =
            Channel { messages, name: name.clone(), bus: self.clone(), kind: std::marker::PhantomData };
        self.sink.lock().await.subscribe(&name).await?;
        Ok(channel)
    }

    /// Of several that hear the same message, one takes it: the first that says so.
    async fn takes(&self, payload: &[u8]) -> bool {
        let mark = BASE64_STANDARD.encode(Sha256::digest(payload));
        let mut connection = self.publisher.clone();
        let mut command = redis::cmd("SET");
        command.arg(mark).arg(1).arg("NX").arg("EX").arg(TAKEN_S);
        matches!(command.query_async::<Option<String>>(&mut connection).await, Ok(Some(_)))
    }
}

impl<M: Named> Channel<M> {
    /// The next message of the kind; `None` when Redis is gone.
    pub(crate) async fn next(&mut self) -> Option<M> {
        loop {
            let payload = self.messages.recv().await?;
            if let Some(message) = read(&payload) {
                return Some(message);
            }
        }
    }

    /// The same, of messages that only one of those who listen may have.
    pub(crate) async fn take(&mut self) -> Option<M> {
        loop {
            let payload = self.messages.recv().await?;
            if let Some(message) = read(&payload)
                && self.bus.takes(&payload).await
            {
                return Some(message);
            }
        }
    }
}

impl<M> Drop for Channel<M> {
    fn drop(&mut self) {
        self.bus.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        let (sink, name) = (Arc::clone(&self.bus.sink), self.name.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _gone = sink.lock().await.unsubscribe(&name).await;
            });
        }
    }
}

fn read<M: Named>(payload: &[u8]) -> Option<M> {
    let envelope = Envelope::decode(payload).ok()?;
    M::decode(envelope.value.as_slice()).ok()
}

/// Hand on what comes, until the connection ends: then every listener ends.
async fn listen(mut stream: PubSubStream, listeners: Listeners) {
    while let Some(message) = stream.next().await {
        let listener = {
            let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.get(message.get_channel_name()).cloned()
        };
        if let Some(listener) = listener {
            // Who does not keep up misses what comes: the caller's time runs out.
            let _full = listener.try_send(message.get_payload_bytes().to_vec());
        }
    }
    listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
