//! Events of a tenant: what happened, for whoever wants to hear of it. They come from the outboxes of the documents that hold the
//! facts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{SessionId, TenantId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Text};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";

const RECORDED_AT: Field<Text> = field!(Event => recorded_at: Text);

pub static EVENTS: Collection = Collection {
    name: "events",
    indexes: &[Index::ordered(BY_TIME, &[TENANT.place(), RECORDED_AT.place()])],
    fields: &[],
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
    pub data: Map<String, Value>,
}

impl OfTenant for Event {
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

/// Where the relay puts them.
pub struct AllEvents(Documents<Event>);

impl AllEvents {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &EVENTS))
    }

    /// Store what is not there yet; at most [`super::engine::MAX_BATCH`].
    pub async fn insert_events(&self, events: Vec<(String, Event)>) -> Result<(), StoreError> {
        self.0.insert_many(events).await.map(drop)
    }
}
