//! How endpoints and deliveries are shown, and who may ask.

use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;

use crate::auth::allowed::Allowed;
use crate::delivery::endpoints::EndpointError;
use crate::error::{ApiError, ApiResult};
use crate::store::deliveries::{Attempt, Delivery, DeliveryState};
use crate::store::webhooks::Endpoint;
use crate::store::{Listed, Stored};

/// An endpoint without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    pub id: String,
    pub url: String,
    pub description: Option<String>,
    /// The events that it gets; empty for all.
    pub events: Vec<String>,
    pub enabled: bool,
    /// Why the bridge switched it off: `gone` (it answered 410) or `failing` (it took nothing for five days).
    pub disabled_because: Option<String>,
    /// RFC 3339, UTC; until then the secret before the present one signs too.
    pub previous_secret_until: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// An endpoint with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedWebhook {
    /// `whsec_…`, what its messages are signed with. It is shown this once.
    pub secret: String,
    #[serde(flatten)]
    pub webhook: WebhookView,
}

/// One page of endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPage {
    pub items: Vec<WebhookView>,
    pub next_cursor: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    pub id: String,
    pub webhook_id: String,
    /// What is sent as `webhook-id`.
    pub event_id: String,
    pub event: String,
    pub state: DeliveryState,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// When the next attempt is due; null when none is to come.
    pub next_attempt_at: Option<String>,
    /// Attempts since it was made, or since it was replayed.
    pub tries: u32,
    /// The latest 20, the oldest first.
    pub attempts: Vec<Attempt>,
    /// The body, as it is sent.
    #[schema(value_type = Object)]
    pub message: Box<RawValue>,
}

/// One page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPage {
    pub items: Vec<DeliveryView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Endpoint>> for WebhookView {
    fn from(stored: Stored<Endpoint>) -> Self {
        let endpoint = stored.value;
        Self {
            id: stored.id,
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.events,
            enabled: endpoint.enabled,
            disabled_because: endpoint.disabled_because,
            previous_secret_until: endpoint.previous.map(|previous| previous.until.to_string()),
            created_at: endpoint.created_at.to_string(),
            updated_at: endpoint.updated_at.to_string(),
        }
    }
}

impl From<Stored<Endpoint>> for IssuedWebhook {
    fn from(stored: Stored<Endpoint>) -> Self {
        Self { secret: stored.value.secret.clone(), webhook: stored.into() }
    }
}

impl From<Listed<Endpoint>> for WebhookPage {
    fn from(listed: Listed<Endpoint>) -> Self {
        let items = listed.items.into_iter().map(WebhookView::from).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

impl From<Stored<Delivery>> for DeliveryView {
    fn from(stored: Stored<Delivery>) -> Self {
        let delivery = stored.value;
        Self {
            id: stored.id,
            webhook_id: delivery.webhook_id.to_string(),
            event_id: delivery.event_id.to_string(),
            event: delivery.event,
            state: delivery.state,
            created_at: delivery.created_at.to_string(),
            next_attempt_at: delivery.due_at.map(|at| at.to_string()),
            tries: delivery.tries,
            attempts: delivery.attempts,
            message: RawValue::from_string(delivery.body).unwrap_or_default(),
        }
    }
}

impl From<Listed<Delivery>> for DeliveryPage {
    fn from(listed: Listed<Delivery>) -> Self {
        let items = listed.items.into_iter().map(DeliveryView::from).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

/// The tenant whose endpoints they are. An endpoint gets what happens to every bot, so a key that is limited to some has none.
pub fn whole_tenant<P>(who: &Allowed<P>) -> ApiResult<&TenantId> {
    who.whole_tenant("an endpoint gets the events of all bots")
}

impl From<EndpointError> for ApiError {
    fn from(error: EndpointError) -> Self {
        let code = match error {
            EndpointError::Invalid(fields) => return Self::invalid(fields),
            EndpointError::Store(error) => return error.into(),
            EndpointError::TooMany => "too_many_webhooks",
            EndpointError::Disabled => "webhook_disabled",
        };
        Self::new(StatusCode::CONFLICT, code, error.to_string())
    }
}
