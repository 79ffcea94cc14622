//! Tells of events: puts each into the lanes of the endpoints that want it, then gives it its place in the order in which the API
//! shows them. Any number of bridges may do it at once, and each step may be repeated: a delivery has a fixed id, and of two
//! numbers one is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_shared::ids::{DeliveryId, TenantId, WebhookId};

use super::endpoints::{MAX_ENDPOINTS, Webhooks};
use super::message::Message;
use crate::error::with_source;
use crate::live::crier::Voice;
use crate::store::deliveries::Delivery;
use crate::store::engine::MAX_BATCH;
use crate::store::events::Event;
use crate::store::webhooks::{Endpoint, OF_RUNNING_CALLS};
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};

/// Longest pause between two rounds: for what another bridge stored and then could not tell.
const PAUSE: Duration = Duration::from_secs(1);
/// Events told at once.
const BATCH: usize = 100;
/// Tries to give an event a number that others take.
const MAX_TRIES: usize = 50;
/// Deliveries due in an endpoint's lane behind which no events of running calls are put: what it may get right after each other. The
/// longest waiting go first, so more of these would hold up what must not be lost, the ends of calls above all.
const MAX_AHEAD: usize = 50;

/// Cheap to clone.
#[derive(Clone)]
pub struct Herald {
    webhooks: Webhooks,
    voice: Voice,
    /// Events were stored.
    stored: Arc<Notify>,
    /// Events got their numbers.
    pub told: Arc<Notify>,
}

impl Herald {
    /// `stored` is notified when there are new events.
    pub fn new(webhooks: Webhooks, voice: Voice, stored: Arc<Notify>) -> Self {
        Self { webhooks, voice, stored, told: Arc::default() }
    }

    /// Where the events are.
    pub fn stores(&self) -> &Stores {
        &self.webhooks.stores
    }

    /// Tell again and again until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.tell_all().await {
                tracing::warn!(error = with_source(&error), "events could not be told");
            }
            let woken = async {
                // Either is a reason to look.
                let _ = timeout(PAUSE, self.stored.notified()).await;
            };
            let _ = stop.run_until_cancelled(woken).await;
        }
    }

    /// Tell all that are fresh; answers how many. A tenant whose events cannot be told keeps no other from its turn, nor do events
    /// that make no sense, however many they are: the longest waiting come first, and these stay.
    pub async fn tell_all(&self) -> Result<usize, StoreError> {
        let (mut told, mut after, mut failing) = (0, None, BTreeSet::new());
        loop {
            let page = self.webhooks.stores.all_events().list_fresh(BATCH, after).await?;
            let mut by_tenant = BTreeMap::<TenantId, Vec<Stored<Event>>>::new();
            for event in page.items {
                by_tenant.entry(event.value.tenant_id.clone()).or_default().push(event);
            }
            // What comes after an event that was not told waits with it: the tenant's order is kept.
            by_tenant.retain(|tenant, _| !failing.contains(tenant));
            for (tenant, events) in by_tenant {
                match self.tell(&tenant, &events).await {
                    Ok(()) => told += events.len(),
                    Err(error) => {
                        tracing::error!(tenant.id = %tenant, error = with_source(&error), "a tenant's events could not be told");
                        failing.insert(tenant);
                    }
                }
            }
            if told > 0 {
                self.told.notify_waiters();
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(told);
            }
        }
    }

    async fn tell(&self, tenant: &TenantId, events: &[Stored<Event>]) -> Result<(), StoreError> {
        self.put_into_lanes(tenant, events).await?;
        self.number(tenant, events).await
    }

    async fn put_into_lanes(&self, tenant: &TenantId, events: &[Stored<Event>]) -> Result<(), StoreError> {
        let (stores, now) = (&self.webhooks.stores, Stamp(self.webhooks.clock.now()));
        let endpoints = stores.webhooks(tenant).list_endpoints(MAX_ENDPOINTS as usize, None).await?.items;
        let mut deliveries: Vec<(String, Delivery)> = Vec::new();
        let (mut wanted, mut ahead) = (BTreeSet::<WebhookId>::new(), BTreeMap::<WebhookId, usize>::new());
        for event in events {
            let may_be_lost = OF_RUNNING_CALLS.contains(&event.value.event.as_str());
            for (endpoint, id, delivery) in of_event(event, &endpoints, now) {
                if may_be_lost {
                    let known = match ahead.get(&endpoint) {
                        Some(known) => *known,
                        None => stores.deliveries(tenant).list_due(&endpoint, now, MAX_AHEAD).await?.len(),
                    };
                    let has_room = known < MAX_AHEAD;
                    ahead.insert(endpoint.clone(), known + usize::from(has_room));
                    if !has_room {
                        self.voice.leaves_out_one();
                        continue;
                    }
                }
                wanted.insert(endpoint);
                deliveries.push((id.to_string(), delivery));
            }
        }
        for batch in deliveries.chunks(MAX_BATCH) {
            // Those that are refused are there already.
            stores.deliveries(tenant).insert_deliveries(batch.to_vec()).await?;
        }
        for endpoint in wanted {
            self.webhooks.wake(tenant, &endpoint).await?;
        }
        Ok(())
    }

    async fn number(&self, tenant: &TenantId, fresh: &[Stored<Event>]) -> Result<(), StoreError> {
        let events = self.webhooks.stores.events(tenant);
        let (mut last, mut rest, mut tries) = (events.last_seq().await?, fresh, 0);
        while let [_, others @ ..] = rest {
            match events.number(rest, last, Stamp(self.webhooks.clock.now())).await {
                // Another bridge tells too.
                Err(StoreError::Duplicate) if tries < MAX_TRIES => {
                    tries += 1;
                    last = events.last_seq().await?;
                }
                numbered => {
                    let numbered = numbered?;
                    for event in &rest[..numbered.len()] {
                        self.voice.stored(&event.id, &event.value);
                    }
                    match numbered.last() {
                        Some(seq) => (last, rest) = (*seq, &rest[numbered.len()..]),
                        // Another bridge told of it.
                        None => rest = others,
                    }
                    tries = 0;
                }
            }
        }
        Ok(())
    }
}

/// The deliveries of an event. One without an id of the present form is nobody's.
pub(super) fn of_event(
    event: &Stored<Event>,
    endpoints: &[Stored<Endpoint>],
    now: Stamp,
) -> Vec<(WebhookId, DeliveryId, Delivery)> {
    let Ok(event_id) = event.id.parse() else { return Vec::new() };
    let Event { tenant_id, event: name, at, data, .. } = &event.value;
    let mut message = Message::new(tenant_id.clone(), event_id, (name, *at), data);
    message.traceparent = event.value.traceparent;
    let wants = |endpoint: &&Stored<Endpoint>| endpoint.value.enabled && endpoint.value.wants(name);
    let to = |endpoint: &Stored<Endpoint>| {
        let webhook: WebhookId = endpoint.id.parse().ok()?;
        let (id, delivery) = message.to(&webhook, now);
        Some((webhook, id, delivery))
    };
    endpoints.iter().filter(wants).filter_map(to).collect()
}
