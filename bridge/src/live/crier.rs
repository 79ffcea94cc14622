//! Tells events on the contract's channels, to which others subscribe (section 12), and puts those of running calls that an endpoint
//! names into the tenant's list. All of it may be lost, and nobody waits for it: lists, records and streams are elsewhere.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::{SessionId, TenantId};
use vox_shared::wire::live;

use super::envelope::Told;
use super::figures::Figures;
use super::news::Whose;
use crate::coordination::Coordination;
use crate::redaction;
use crate::store::engine::EngineError;
use crate::store::events::Event;
use crate::store::webhooks::OF_RUNNING_CALLS;
use crate::store::{Stamp, StoreError, Stores};

/// Events that wait to be told. A line of a transcript has 2,000 characters at most.
const QUEUE: usize = 2_048;
/// Events told at once.
const BATCH: usize = 100;
/// What the endpoints of a tenant name is read anew after this.
const NAMED_FOR: SignedDuration = SignedDuration::from_secs(2);
/// Events of running calls that a tenant's list takes in a minute, from one bridge: an endpoint gets no more (`delivery/lane.rs`). What
/// all bridges take is kept from a lane that is behind by the herald (`delivery/herald.rs`).
const PER_MINUTE: u32 = 100;
/// Tenants of which it is remembered.
const MAX_TENANTS: usize = 512;
/// Most endpoints of a tenant that are looked at; there are fewer.
const ENDPOINTS: usize = 100;
/// Longest wait for what is left at the end of the process.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// The channel of what belongs to no call.
const SYSTEM: &str = "system:events";

fn of_call(call: &SessionId) -> String {
    format!("call:{call}:events")
}

fn of_tenant(tenant: &TenantId) -> String {
    format!("tenant:{tenant}:events")
}

/// What waits to be told.
enum Cry {
    Running(Whose, Told),
    Stored { channels: Vec<String>, message: String },
}

/// What is to be told, on its way.
pub struct Waiting(Receiver<Cry>, Figures);

/// Takes what is to be told. Cheap to clone.
#[derive(Clone)]
pub struct Voice {
    queue: Sender<Cry>,
    lost: Counter,
}

/// A queue that is full loses what comes.
pub fn queue(figures: &Figures) -> (Voice, Waiting) {
    let (queue, waiting) = channel(QUEUE);
    (Voice { queue, lost: figures.unannounced.clone() }, Waiting(waiting, figures.clone()))
}

impl Voice {
    /// A worker told this, and this bridge was the first to hear it.
    pub fn running(&self, whose: &Whose, told: Told) {
        self.take(Cry::Running(whose.clone(), told));
    }

    /// This bridge gave an event of a tenant its place in the list. Of what workers tell themselves that is the second word.
    pub fn stored(&self, id: &str, event: &Event) {
        let name = event.event.as_str();
        if name == live::CONNECTED || OF_RUNNING_CALLS.contains(&name) {
            return;
        }
        let (mut channels, mut data) = (vec![of_tenant(&event.tenant_id)], event.data.clone());
        match &event.session_id {
            Some(call) => channels.push(of_call(call)),
            None => {
                channels.push(SYSTEM.to_owned());
                data.insert("tenant_id".into(), event.tenant_id.as_str().into());
            }
        }
        let message = json!({"id": id, "event": name, "timestamp": event.at, "data": data}).to_string();
        self.take(Cry::Stored { channels, message });
    }

    /// An event of a running call is not sent to an endpoint that names it.
    pub fn leaves_out_one(&self) {
        self.lost.inc();
    }

    fn take(&self, cry: Cry) {
        if self.queue.try_send(cry).is_err() {
            self.lost.inc();
        }
    }
}

/// Tells them.
pub struct Crier {
    stores: Stores,
    clock: Clock,
    coordination: Arc<dyn Coordination>,
    figures: Figures,
    waiting: Receiver<Cry>,
    named: HashMap<TenantId, Named>,
    /// Events were put into the list.
    stored: Arc<Notify>,
}

/// Which events of running calls the endpoints of a tenant name, and how many of them were put into its list in a minute.
#[derive(Default)]
struct Named {
    read_at: Option<Timestamp>,
    events: BTreeSet<String>,
    minute: i64,
    taken: u32,
}

impl Named {
    /// One more, if there is room.
    fn take(&mut self, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.taken) = (minute, 0);
        }
        let has_room = self.taken < PER_MINUTE;
        self.taken += u32::from(has_room);
        has_room
    }
}

/// What a worker told, in the contract's envelope.
#[derive(Serialize, Deserialize)]
struct Envelope {
    event: String,
    timestamp: String,
    seq: u64,
    data: Map<String, Value>,
}

impl Crier {
    /// `stored` is notified when there are new events in the list.
    pub fn new(
        (stores, clock): (Stores, Clock),
        coordination: Arc<dyn Coordination>,
        (Waiting(waiting, figures), stored): (Waiting, Arc<Notify>),
    ) -> Self {
        Self { stores, clock, coordination, figures, waiting, named: HashMap::new(), stored }
    }

    /// Tell again and again until `stop`, and then what is left.
    pub async fn run(&mut self, stop: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            match stop.run_until_cancelled(self.waiting.recv_many(&mut batch, BATCH)).await {
                // Nobody is left who could tell anything.
                None | Some(0) => break,
                Some(_) => self.tell(batch).await,
            }
        }
        let _ = timeout(LAST_ROUND, self.tell_left()).await;
    }

    async fn tell_left(&mut self) {
        while !self.waiting.is_empty() {
            let mut batch = Vec::new();
            self.waiting.recv_many(&mut batch, BATCH).await;
            self.tell(batch).await;
        }
    }

    async fn tell(&mut self, batch: Vec<Cry>) {
        let mut events = Vec::new();
        for cry in batch {
            match cry {
                Cry::Stored { channels, message } => self.announce(channels, message).await,
                Cry::Running(whose, told) => events.extend(self.tell_of_running(whose, &told).await),
            }
        }
        if !events.is_empty() {
            self.store(events).await;
        }
    }

    /// Answers the event for the tenant's list, if an endpoint names it.
    async fn tell_of_running(&mut self, whose: Whose, told: &Told) -> Option<(String, Event)> {
        // A bridge wrote it from a worker's event.
        let mut envelope: Envelope = serde_json::from_str(&told.json).ok()?;
        if envelope.event != live::RINGING {
            redaction::event(whose.redaction.as_ref(), &mut envelope.data);
        }
        let channels = vec![of_call(&whose.session_id), of_tenant(&whose.tenant_id)];
        let message = serde_json::to_string(&envelope).unwrap_or_default();
        self.announce(channels, message).await;
        if !self.is_wanted(&whose.tenant_id, &envelope.event).await {
            return None;
        }
        let Envelope { event, timestamp, seq, data } = envelope;
        let (now, id) = (Stamp(self.clock.now()), Event::id_of(&format!("{}:live:{seq}", whose.session_id)));
        let mut event = Event::of_tenant(&whose.tenant_id, &event, data.into(), now);
        event.at = timestamp.parse().map_or(now, Stamp);
        (event.session_id, event.bot_id) = (Some(whose.session_id), Some(whose.bot_id));
        Some((id.to_string(), event))
    }

    async fn announce(&self, channels: Vec<String>, message: String) {
        match self.coordination.announce(channels, Bytes::from(message)).await {
            Ok(true) => {
                self.figures.announced.inc();
            }
            Ok(false) => {}
            Err(error) => {
                self.figures.unannounced.inc();
                tracing::debug!(%error, "an event was not told on its channels");
            }
        }
    }

    /// Whether an endpoint names it, and the minute has room for it.
    async fn is_wanted(&mut self, tenant: &TenantId, event: &str) -> bool {
        if !OF_RUNNING_CALLS.contains(&event) {
            return false;
        }
        let now = self.clock.now();
        if self.named.len() >= MAX_TENANTS && !self.named.contains_key(tenant) {
            self.named.clear();
        }
        let known = self.named.entry(tenant.clone()).or_default();
        if known.read_at.is_none_or(|at| now.duration_since(at) >= NAMED_FOR) {
            known.read_at = Some(now);
            known.events = read_named(&self.stores, tenant).await.unwrap_or_else(|error| {
                tracing::warn!(tenant.id = %tenant, %error, "what endpoints name could not be read");
                BTreeSet::new()
            });
        }
        if !known.events.contains(event) {
            return false;
        }
        let has_room = known.take(now);
        self.figures.unannounced.inc_by(u64::from(!has_room));
        has_room
    }

    /// One that cannot be stored takes no other with it.
    async fn store(&self, events: Vec<(String, Event)>) {
        let all = self.stores.all_events();
        let stored = match all.insert_events(events.clone()).await {
            Err(StoreError::Engine(EngineError::Malformed(_))) => {
                for event in events {
                    if let Err(error) = all.insert_events(vec![event]).await {
                        self.lose(1, &error);
                    }
                }
                Ok(())
            }
            stored => stored.map_err(|error| (events.len(), error)),
        };
        match stored {
            Ok(()) => self.stored.notify_one(),
            Err((count, error)) => self.lose(count, &error),
        }
    }

    fn lose(&self, count: usize, error: &StoreError) {
        self.figures.unannounced.inc_by(count as u64);
        tracing::warn!(count, %error, "events of running calls are not in the tenant's list");
    }
}

/// What the endpoints of a tenant name.
async fn read_named(stores: &Stores, tenant: &TenantId) -> Result<BTreeSet<String>, StoreError> {
    let endpoints = stores.webhooks(tenant).list_endpoints(ENDPOINTS, None).await?.items;
    let on = endpoints.into_iter().filter(|endpoint| endpoint.value.enabled);
    Ok(on.flat_map(|endpoint| endpoint.value.events).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_room_for_what_an_endpoint_gets() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut named = Named::default();
        let taken = (0..200).filter(|n| named.take(at(60 + n % 60))).count();
        assert_eq!(taken, PER_MINUTE as usize);
        assert!(named.take(at(120)), "the next minute has room again");
    }
}
