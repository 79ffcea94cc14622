//! Who listens to what within this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// Messages that wait for a listener; one that is later than that has missed some.
pub const QUEUE: usize = 256;
/// Topics after which those that nobody listens to are forgotten.
const MANY_TOPICS: usize = 1_000;

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Message(Bytes),
    /// Something was lost: look at what the messages are about.
    Missed,
}

/// A listener of one topic. Bounded: it is never waited for.
#[derive(Debug)]
pub struct Subscription(Receiver<Heard>);

impl Subscription {
    /// The next message; `None` when the engine is gone. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

/// The topics.
#[derive(Debug, Default)]
pub struct Hub(Mutex<HashMap<String, Sender<Heard>>>);

impl Hub {
    pub fn listen(&self, topic: &str) -> Subscription {
        let mut topics = self.topics();
        if topics.len() >= MANY_TOPICS {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = topics.entry(topic.to_owned()).or_insert_with(|| channel(QUEUE).0);
        Subscription(sender.subscribe())
    }

    pub fn tell(&self, topic: &str, message: Bytes) {
        let mut topics = self.topics();
        if topics.get(topic).is_some_and(|sender| sender.send(Heard::Message(message)).is_err()) {
            topics.remove(topic);
        }
    }

    /// Tell everybody that something may have been lost.
    #[cfg(feature = "redis")]
    pub fn tell_missed(&self) {
        self.topics().retain(|_, sender| sender.send(Heard::Missed).is_ok());
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<String, Sender<Heard>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
