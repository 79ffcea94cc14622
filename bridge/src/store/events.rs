//! Events of a tenant: what happened, for whoever wants to hear of it. They come from the outboxes of the documents that hold the
//! facts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vox_shared::ids::{BotId, EventId, SessionId, TenantId};
use vox_shared::telemetry::spans;
use vox_shared::trace::Place;

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{
    Amendment, Collection, Cursor, Engine, Field, Filter, Index, Integer, Json, MAX_BATCH, Order, Query,
    Text, Update,
};
use super::stamp::Stamp;
use crate::auth::secret_token::hex;
use crate::field;

const BY_TIME: &str = "by_time";
const BY_SEQ: &str = "by_seq";
const BY_FOLLOWS: &str = "by_follows";
const BY_FRESH: &str = "by_fresh";
const BY_AGE: &str = "by_age";
const BY_CALL: &str = "by_call";

const RECORDED_AT: Field<Text> = field!(Event => recorded_at: Text);
const SEQ: Field<Integer> = field!(Event => seq: Integer);
const FOLLOWS: Field<Text> = field!(Event => follows: Text);
const FRESH_SINCE: Field<Text> = field!(Event => fresh_since: Text);
const SESSION_ID: Field<Text> = field!(Event => session_id: Text);
const DATA: Field<Json> = field!(Event => data: Json);

pub static EVENTS: Collection = Collection {
    name: "events",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), RECORDED_AT.place()]),
        // Those that have their place in the order.
        Index::sparse(BY_SEQ, &[TENANT.place(), SEQ.place()]),
        Index::unique(BY_FOLLOWS, &[FOLLOWS.place()]),
        // Those that wait for it.
        Index::sparse(BY_FRESH, &[FRESH_SINCE.place()]),
        Index::ordered(BY_AGE, &[RECORDED_AT.place()]),
        Index::sparse(BY_CALL, &[TENANT.place(), SESSION_ID.place()]),
    ],
    fields: &[DATA.place()],
    steps: &[],
};

/// An event. The id is made of the document that it comes from and of the entry's own, so it is stored once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub tenant_id: TenantId,
    /// A name of the catalogue, `docs/events.md`.
    pub event: String,
    /// When it happened.
    pub at: Stamp,
    /// When it was put here; what was stored earlier may be put here later.
    pub recorded_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Whose call it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<BotId>,
    pub data: Map<String, Value>,
    /// Its place among the tenant's events; absent until it was told (`delivery/herald.rs`). Milliseconds since 1970 when it got
    /// it, or one more than the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The tenant and the number before. It is unique, so nobody who has seen a number misses a smaller one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Since when it waits to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_since: Option<Stamp>,
    /// The trace that it follows from.
    #[serde(
        default,
        deserialize_with = "vox_shared::trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<Place>,
}

impl Event {
    /// One that is told of a tenant, of no call.
    pub fn of_tenant(tenant: &TenantId, event: &str, data: Value, now: Stamp) -> Self {
        Self {
            tenant_id: tenant.clone(),
            event: event.to_owned(),
            at: now,
            recorded_at: now,
            session_id: None,
            bot_id: None,
            data: if let Value::Object(data) = data { data } else { Map::new() },
            seq: None,
            follows: None,
            fresh_since: Some(now),
            traceparent: spans::current(),
        }
    }

    /// The id of what is told once, made of what makes it unique.
    pub fn id_of(unique: &str) -> EventId {
        let hash = hex(&Sha256::digest(unique.as_bytes()));
        format!("{}_{}", EventId::PREFIX, &hash[..32]).parse().expect("hex is an id")
    }
}

impl OfTenant for Event {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// An event as far as its number goes: one that is damaged elsewhere stops nobody.
#[derive(Serialize, Deserialize)]
struct Numbered {
    tenant_id: TenantId,
    #[serde(default)]
    seq: Option<i64>,
}

impl OfTenant for Numbered {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The events of one tenant.
pub struct Events(Scoped<Event>);

impl Events {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &EVENTS), tenant))
    }

    /// In the order in which they were put here.
    pub async fn list_events(
        &self,
        order: Order,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Event>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(order).limit(limit).after(after)).await
    }
}

impl Events {
    pub async fn find_event(&self, id: &str) -> Result<Option<Stored<Event>>, StoreError> {
        self.0.find(id).await
    }

    /// Those of a call.
    pub async fn list_of_call(&self, call: &str, limit: usize) -> Result<Vec<Stored<Event>>, StoreError> {
        Ok(self.0.list(self.0.query(BY_CALL).equals(SESSION_ID, call).limit(limit)).await?.items)
    }

    /// Put other data in the place of an event's, and take it away from its call. Its place in the order stays.
    pub async fn blank(&self, id: &str, data: &Map<String, Value>) -> Result<(), StoreError> {
        self.0.update(id, Vec::new(), Update::default().set(DATA, data).unset(SESSION_ID)).await.map(drop)
    }

    /// Those after this number, in their order.
    pub async fn list_after(&self, seq: i64, limit: usize) -> Result<Vec<Stored<Event>>, StoreError> {
        let query = self.0.query(BY_SEQ).from(SEQ, seq.saturating_add(1)).limit(limit);
        Ok(self.0.list(query).await?.items)
    }

    /// Those that were put here in a stretch of time, in the order of that.
    pub async fn list_between(
        &self,
        (from, to): (Stamp, Stamp),
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Event>, StoreError> {
        let query = self.0.query(BY_TIME).from(RECORDED_AT, from).below(RECORDED_AT, to);
        self.0.list(query.limit(limit).after(after)).await
    }

    /// The number of the last one.
    pub async fn last_seq(&self) -> Result<i64, StoreError> {
        let last = self.0.part::<Numbered>().first(self.0.query(BY_SEQ).order(Order::Descending)).await?;
        Ok(last.and_then(|stored| stored.value.seq).unwrap_or(0))
    }

    /// Give events their places behind `last`, one behind the other, up to the first that has one; answers the places.
    /// [`StoreError::Duplicate`] when another event has the first place.
    pub async fn number(
        &self,
        events: &[Stored<Event>],
        last: i64,
        now: Stamp,
    ) -> Result<Vec<i64>, StoreError> {
        let (mut places, mut numbered, mut last) = (Vec::new(), Vec::new(), last);
        for event in events.iter().take(MAX_BATCH) {
            let seq = now.0.as_millisecond().max(last.saturating_add(1));
            let follows = format!("{}/{last}", self.0.tenant);
            let update = Update::default().set(SEQ, seq).set(FOLLOWS, follows).unset(FRESH_SINCE);
            numbered.push(Amendment::of(&event.id, update).when(Filter::absent(SEQ)));
            places.push(seq);
            last = seq;
        }
        places.truncate(self.0.update_in_turn(numbered).await?);
        Ok(places)
    }
}

/// Where the relay puts them.
pub struct AllEvents(Documents<Event>);

impl AllEvents {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &EVENTS))
    }

    /// Store what is not there yet.
    pub async fn insert_events(&self, events: Vec<(String, Event)>) -> Result<(), StoreError> {
        for batch in events.chunks(MAX_BATCH) {
            self.0.insert_many(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// Those that nobody was told of yet, the longest waiting first.
    pub async fn list_fresh(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Event>, StoreError> {
        let fresh = Query::by_index(&EVENTS, BY_FRESH).from(FRESH_SINCE, "");
        self.0.list(fresh.limit(limit).after(after)).await
    }

    /// Forget those that were put here before; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&EVENTS, BY_AGE).below(RECORDED_AT, before).limit(SWEPT)).await
    }
}
