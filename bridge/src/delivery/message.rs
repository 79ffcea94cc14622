//! What an endpoint gets: the envelope of an event, and the delivery that carries it.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use vox_shared::ids::{DeliveryId, EventId, TenantId, WebhookId};
use vox_shared::telemetry::spans;
use vox_shared::trace::Place;

use crate::auth::secret_token::hex;
use crate::store::Stamp;
use crate::store::deliveries::{Delivery, DeliveryState};

/// A delivery and its log are kept this long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Sent by a person who tries an endpoint; no filter keeps it away.
pub const TEST: &str = "webhook.test";

/// An event on its way out.
#[derive(Clone, Debug)]
pub struct Message {
    pub tenant: TenantId,
    pub event_id: EventId,
    pub event: String,
    pub body: String,
    /// The trace that it is part of.
    pub traceparent: Option<Place>,
}

/// The envelope. Its fields stand in this order.
#[derive(Serialize)]
struct Envelope<'a> {
    id: &'a str,
    event: &'a str,
    timestamp: String,
    data: &'a Map<String, Value>,
}

impl Message {
    pub fn new(
        tenant: TenantId,
        event_id: EventId,
        (event, at): (&str, Stamp),
        data: &Map<String, Value>,
    ) -> Self {
        let envelope = Envelope { id: event_id.as_str(), event, timestamp: at.to_string(), data };
        let body = serde_json::to_string(&envelope).expect("an envelope is plain data");
        Self { tenant, event_id, event: event.to_owned(), body, traceparent: spans::current() }
    }

    /// What tries an endpoint.
    pub fn test(tenant: TenantId, to: &WebhookId, now: Stamp) -> Self {
        let Value::Object(data) = json!({"webhook_id": to.as_str()}) else { unreachable!("it is an object") };
        Self::new(tenant, EventId::generate(), (TEST, now), &data)
    }

    /// Its delivery to an endpoint. The id is made of both, so that it is made once, however often it is tried.
    pub fn to(&self, endpoint: &WebhookId, now: Stamp) -> (DeliveryId, Delivery) {
        let of_both = hex(&Sha256::digest(format!("{}\n{endpoint}", self.event_id)));
        let id = format!("{}_{}", DeliveryId::PREFIX, &of_both[..32]);
        let delivery = Delivery {
            tenant_id: self.tenant.clone(),
            webhook_id: endpoint.clone(),
            event_id: self.event_id.clone(),
            event: self.event.clone(),
            body: self.body.clone(),
            state: DeliveryState::Pending,
            created_at: now,
            due_at: Some(now),
            tries: 0,
            attempts: Vec::new(),
            forget_at: now + KEPT,
            traceparent: self.traceparent,
        };
        (id.parse().expect("hex is an id"), delivery)
    }
}
