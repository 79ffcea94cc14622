//! Endpoints that a tenant's events are sent to, and the lane of each: who sends there now, and when the next one may.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, WebhookId};
use vox_shared::wire::live;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT, Waiting};
use super::engine::{
    Boolean, Collection, Cursor, Engine, Field, Filter, Index, Integer, Order, Query, Text, Update,
};
use super::stamp::Stamp;
use crate::field;

const BY_CREATED: &str = "by_created";
const BY_PLACE: &str = "by_place";
const BY_WAKE: &str = "by_wake";

const CREATED_AT: Field<Text> = field!(Endpoint => created_at: Text);
const PLACE: Field<Integer> = field!(Endpoint => place: Integer);
const ENABLED: Field<Boolean> = field!(Endpoint => enabled: Boolean);
const DISABLED_BECAUSE: Field<Text> = field!(Endpoint => disabled_because: Text);
const WAKE_AT: Field<Text> = field!(Lane => wake_at: Text);
const WAKES: Field<Integer> = field!(Lane => wakes: Integer);
const LEASED_UNTIL: Field<Text> = field!(Lane => leased_until: Text);
const FENCE: Field<Integer> = field!(Lane => fence: Integer);
const PACED_AT: Field<Text> = field!(Lane => paced_at: Text);
const FAILING_SINCE: Field<Text> = field!(Lane => failing_since: Text);

pub static WEBHOOKS: Collection = Collection {
    name: "webhooks",
    indexes: &[
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::unique(BY_PLACE, &[TENANT.place(), PLACE.place()]),
    ],
    fields: &[ENABLED.place(), DISABLED_BECAUSE.place()],
    steps: &[],
};

/// Beside the endpoints, so that sending never stands in the way of a person who changes one.
pub static LANES: Collection = Collection {
    name: "webhook_lanes",
    // Lanes where nothing waits are not in it.
    indexes: &[Index::sparse(BY_WAKE, &[WAKE_AT.place()])],
    fields: &[WAKES.place(), LEASED_UNTIL.place(), FENCE.place(), PACED_AT.place(), FAILING_SINCE.place()],
    steps: &[],
};

/// Events that workers tell of running calls and that an endpoint can name.
pub const OF_RUNNING_CALLS: [&str; 6] = [
    live::RINGING,
    live::TURN,
    live::TOOL_CALLED,
    live::TRANSFER_REQUESTED,
    live::TRANSFERRED,
    live::USAGE_MINUTE,
];

/// An endpoint as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    pub tenant_id: TenantId,
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The events that it gets; empty for all.
    pub events: Vec<String>,
    pub enabled: bool,
    /// A word, when the bridge switched it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// `whsec_…`, what messages are signed with.
    pub secret: String,
    /// The secret before; it signs too until its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    /// Which of the tenant's numbered places it holds: no two hold the same, so that two requests at once cannot make one
    /// too many.
    pub place: u32,
}

/// A secret that was rotated away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Previous {
    pub secret: String,
    pub until: Stamp,
}

impl Endpoint {
    /// Whether it gets events of that name. Those of running calls are many: an endpoint without a list gets none of them.
    pub fn wants(&self, event: &str) -> bool {
        let all = self.events.is_empty() && !OF_RUNNING_CALLS.contains(&event);
        all || self.events.iter().any(|wanted| wanted == event)
    }

    /// The secrets that sign at that time, the present one first.
    pub fn secrets(&self, now: Stamp) -> Vec<&str> {
        let previous = self.previous.iter().filter(|p| p.until > now).map(|p| p.secret.as_str());
        std::iter::once(self.secret.as_str()).chain(previous).collect()
    }
}

impl OfTenant for Endpoint {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The endpoints of one tenant.
pub struct Endpoints(Scoped<Endpoint>);

impl Endpoints {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &WEBHOOKS), tenant))
    }

    pub async fn get_endpoint(&self, id: &WebhookId) -> Result<Stored<Endpoint>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// Newest first.
    pub async fn list_endpoints(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Endpoint>, StoreError> {
        self.0.list(self.0.query(BY_CREATED).order(Order::Descending).limit(limit).after(after)).await
    }

    /// [`StoreError::Duplicate`] when another endpoint holds the same place.
    pub async fn insert_endpoint(&self, id: &WebhookId, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), endpoint).await
    }

    /// Write back an endpoint that was read here.
    pub async fn replace_endpoint(&self, endpoint: Stored<Endpoint>) -> Result<Stored<Endpoint>, StoreError> {
        self.0.replace(endpoint).await
    }

    pub async fn delete_endpoint(&self, endpoint: &Stored<Endpoint>) -> Result<(), StoreError> {
        self.0.delete(&endpoint.id, endpoint.version).await
    }

    /// Switch it off, unless it is off; `None` then.
    pub async fn disable(
        &self,
        id: &WebhookId,
        because: &str,
    ) -> Result<Option<Stored<Endpoint>>, StoreError> {
        let update = Update::default().set(ENABLED, false).set(DISABLED_BECAUSE, because);
        self.0.update(id.as_str(), vec![Filter::is(ENABLED, true)], update).await
    }
}

/// The sending to one endpoint, under the endpoint's id. Whoever holds the lease is the only one who sends there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lane {
    pub tenant_id: TenantId,
    /// When there is something to send; absent when nothing waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Stamp>,
    /// How often it was woken: who puts it to sleep must have seen every time.
    pub wakes: i64,
    /// The lease ends then.
    pub leased_until: Stamp,
    /// One more with each lease.
    pub fence: i64,
    /// Up to when the sending is paid for by the limit a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paced_at: Option<Stamp>,
    /// The first failure after the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Stamp>,
}

/// The lanes of all endpoints.
pub struct Lanes(Documents<Lane>);

/// What is written when a lane goes on or is left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub paced_at: Option<Stamp>,
    pub failing_since: Option<Stamp>,
}

impl Progress {
    fn over(self, update: Update) -> Update {
        let update = match self.paced_at {
            Some(at) => update.set(PACED_AT, at),
            None => update.unset(PACED_AT),
        };
        match self.failing_since {
            Some(at) => update.set(FAILING_SINCE, at),
            None => update.unset(FAILING_SINCE),
        }
    }
}

impl Lanes {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &LANES))
    }

    /// There is something to send now.
    pub async fn wake(&self, tenant: &TenantId, id: &WebhookId, now: Stamp) -> Result<(), StoreError> {
        let update = Update::default().set(WAKE_AT, now).increment(WAKES, 1);
        if self.0.update(Query::by_id(&LANES, id.as_str()), update.clone()).await?.is_some() {
            return Ok(());
        }
        let lane = Lane {
            tenant_id: tenant.clone(),
            wake_at: Some(now),
            wakes: 1,
            leased_until: now,
            fence: 0,
            paced_at: None,
            failing_since: None,
        };
        match self.0.insert(id.as_str(), &lane).await {
            // Another bridge was faster.
            Err(StoreError::Duplicate) => {
                self.0.update(Query::by_id(&LANES, id.as_str()), update).await.map(drop)
            }
            inserted => inserted,
        }
    }

    /// Those with something to send, the longest waiting first, leased or not.
    pub async fn list_awake(&self, now: Stamp, after: Option<Cursor>) -> Result<Listed<Lane>, StoreError> {
        self.0.list(Query::by_index(&LANES, BY_WAKE).below(WAKE_AT, now.next()).after(after)).await
    }

    /// How many lanes have something to send, and since when the first has.
    pub async fn waiting(&self, now: Stamp) -> Result<Waiting, StoreError> {
        let awake = || Query::by_index(&LANES, BY_WAKE).below(WAKE_AT, now.next());
        self.0.waiting(awake, |lane| lane.wake_at).await
    }

    /// Take a lane that nobody holds.
    pub async fn lease(
        &self,
        id: &str,
        now: Stamp,
        until: Stamp,
    ) -> Result<Option<Stored<Lane>>, StoreError> {
        let free = Query::by_id(&LANES, id).filter(Filter::below(LEASED_UNTIL, now.next()));
        self.0.update(free, Update::default().set(LEASED_UNTIL, until).increment(FENCE, 1)).await
    }

    /// Keep it; `None` when somebody else has it.
    pub async fn renew(
        &self,
        lane: &Stored<Lane>,
        until: Stamp,
        progress: Progress,
    ) -> Result<Option<Stored<Lane>>, StoreError> {
        let own = Query::by_id(&LANES, lane.id.as_str()).filter(Filter::is(FENCE, lane.value.fence));
        self.0.update(own, progress.over(Update::default().set(LEASED_UNTIL, until))).await
    }

    /// Leave it until there is something to send. `None` when it was woken since it was read, or somebody else has it.
    pub async fn leave(
        &self,
        lane: &Stored<Lane>,
        (now, wake_at): (Stamp, Option<Stamp>),
        progress: Progress,
    ) -> Result<Option<Stored<Lane>>, StoreError> {
        let own = Query::by_id(&LANES, lane.id.as_str())
            .filter(Filter::is(FENCE, lane.value.fence))
            .filter(Filter::is(WAKES, lane.value.wakes));
        let update = Update::default().set(LEASED_UNTIL, now);
        let update = match wake_at {
            Some(at) => update.set(WAKE_AT, at),
            None => update.unset(WAKE_AT),
        };
        self.0.update(own, progress.over(update)).await
    }

    /// Forget since when an endpoint fails: a person has switched it on.
    pub async fn begin_anew(&self, id: &WebhookId) -> Result<(), StoreError> {
        let update = Update::default().unset(FAILING_SINCE);
        self.0.update(Query::by_id(&LANES, id.as_str()), update).await.map(drop)
    }

    /// Forget the lane of an endpoint that is gone; whoever works it finds it lost.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), StoreError> {
        while let Some(lane) = self.0.find(id.as_str()).await? {
            match self.0.delete(&lane.id, lane.version).await {
                Err(StoreError::Conflict) => {}
                deleted => return deleted,
            }
        }
        Ok(())
    }
}
