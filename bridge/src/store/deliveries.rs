//! Events on their way to endpoints: what is to be sent, when, and what came of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{DeliveryId, EventId, TenantId, WebhookId};
use vox_shared::trace::Place;

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Order, Query, Text, holds};
use super::stamp::Stamp;
use crate::field;

const BY_ENDPOINT: &str = "by_endpoint";
const BY_STATE: &str = "by_state";
const BY_DUE: &str = "by_due";
const BY_END: &str = "by_end";
const BY_EVENT: &str = "by_event";

const WEBHOOK_ID: Field<Text> = field!(Delivery => webhook_id: Text);
const CREATED_AT: Field<Text> = field!(Delivery => created_at: Text);
const EVENT_ID: Field<Text> = field!(Delivery => event_id: Text);
const STATE: Field<Text> = field!(Delivery => state: Text);
const DUE_AT: Field<Text> = field!(Delivery => due_at: Text);
const FORGET_AT: Field<Text> = field!(Delivery => forget_at: Text);

/// Documents that a look for what is due reads beyond what it wants, so that some damaged ones hide none behind them.
const DAMAGED: usize = 16;

pub static DELIVERIES: Collection = Collection {
    name: "deliveries",
    indexes: &[
        Index::ordered(BY_ENDPOINT, &[TENANT.place(), WEBHOOK_ID.place(), CREATED_AT.place()]),
        Index::ordered(BY_STATE, &[TENANT.place(), WEBHOOK_ID.place(), STATE.place(), CREATED_AT.place()]),
        // Those that wait for an attempt.
        Index::sparse(BY_DUE, &[WEBHOOK_ID.place(), DUE_AT.place()]),
        Index::ordered(BY_END, &[FORGET_AT.place()]),
        Index::ordered(BY_EVENT, &[TENANT.place(), EVENT_ID.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// An attempt is to come.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// No attempt is to come.
    Failed,
}

holds! { Text:
    DeliveryState => |state| match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    }.into();
}

/// A delivery as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    pub tenant_id: TenantId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    pub event: String,
    /// The body, the same bytes in every attempt.
    pub body: String,
    pub state: DeliveryState,
    pub created_at: Stamp,
    /// When the next attempt is due; absent when none is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Stamp>,
    /// Attempts since it was made, or since it was replayed.
    pub tries: u32,
    /// The latest ones, the oldest first.
    pub attempts: Vec<Attempt>,
    pub forget_at: Stamp,
    /// The trace that it follows from.
    #[serde(
        default,
        deserialize_with = "vox_shared::trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<Place>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// RFC 3339, UTC.
    #[schema(value_type = String)]
    pub at: Stamp,
    /// What was sent as `x-request-id`.
    pub request_id: String,
    /// What was asked, where it is not the same in every attempt: of CRMs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What the endpoint answered; null when it did not.
    pub status: Option<u16>,
    /// The beginning of its answer.
    pub reply: Option<String>,
    /// Why the attempt does not count as a success.
    pub error: Option<String>,
    pub took_ms: u64,
}

/// The request of an attempt. Its body and the values of its headers are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AttemptedRequest)]
pub struct Request {
    pub method: String,
    /// With the call's values; of those without what the call hides from logs. Its first 2,048 bytes.
    pub url: String,
}

impl OfTenant for Delivery {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The deliveries of one tenant.
pub struct Deliveries(Scoped<Delivery>);

impl Deliveries {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &DELIVERIES), tenant))
    }

    /// Of that endpoint.
    pub async fn get_delivery(
        &self,
        webhook: &WebhookId,
        id: &DeliveryId,
    ) -> Result<Stored<Delivery>, StoreError> {
        let found = self.0.get(id.as_str()).await?;
        if found.value.webhook_id == *webhook { Ok(found) } else { Err(StoreError::NotFound) }
    }

    /// [`StoreError::Duplicate`] when it was made before.
    pub async fn insert_delivery(&self, id: &DeliveryId, delivery: &Delivery) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), delivery).await
    }

    /// Insert those that were not made before; at most [`super::engine::MAX_BATCH`].
    pub async fn insert_deliveries(&self, deliveries: Vec<(String, Delivery)>) -> Result<(), StoreError> {
        self.0.insert_many(deliveries).await.map(drop)
    }

    /// Write back a delivery that was read here.
    pub async fn replace_delivery(&self, delivery: Stored<Delivery>) -> Result<Stored<Delivery>, StoreError> {
        self.0.replace(delivery).await
    }

    /// Forget those of an event, whatever became of them; answers how many, [`SWEPT`] at most.
    pub async fn forget_event(&self, event: &str) -> Result<usize, StoreError> {
        self.0.delete_many(self.0.query(BY_EVENT).equals(EVENT_ID, event).limit(SWEPT)).await
    }

    /// Newest first.
    pub async fn list_deliveries(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Delivery>, StoreError> {
        let query = match state {
            None => self.0.query(BY_ENDPOINT).equals(WEBHOOK_ID, webhook),
            Some(state) => self.0.query(BY_STATE).equals(WEBHOOK_ID, webhook).equals(STATE, state),
        };
        self.0.list(query.order(Order::Descending).limit(limit).after(after)).await
    }

    /// Those whose attempt is due, the longest first.
    pub async fn list_due(
        &self,
        webhook: &WebhookId,
        now: Stamp,
        limit: usize,
    ) -> Result<Vec<Stored<Delivery>>, StoreError> {
        let due = self.waiting(webhook).below(DUE_AT, now.next());
        Ok(self.0.list(due.limit(limit + DAMAGED)).await?.items.into_iter().take(limit).collect())
    }

    /// When the next attempt is due.
    pub async fn next_due(&self, webhook: &WebhookId) -> Result<Option<Stamp>, StoreError> {
        let waiting = self.0.list(self.waiting(webhook).limit(1 + DAMAGED)).await?.items;
        Ok(waiting.into_iter().next().and_then(|stored| stored.value.due_at))
    }

    fn waiting(&self, webhook: &WebhookId) -> Query {
        // The id of an endpoint is of one tenant.
        Query::by_index(&DELIVERIES, BY_DUE)
            .equals(WEBHOOK_ID, webhook)
            .filter(Filter::is(TENANT, &self.0.tenant))
    }
}

/// The deliveries of all tenants, for whoever sweeps.
pub struct AllDeliveries(Documents<Delivery>);

impl AllDeliveries {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &DELIVERIES))
    }

    /// Forget those whose time is over; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&DELIVERIES, BY_END).below(FORGET_AT, now).limit(SWEPT)).await
    }
}
