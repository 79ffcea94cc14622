//! `POST /api/v1/webhooks`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::{IssuedWebhook, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::{Webhooks, Wish};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;

/// An endpoint to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// `https://…` or `http://…`, 2048 bytes at most, on the public Internet.
    url: String,
    /// Up to 500 characters, for people.
    description: Option<String>,
    /// Names of events; without it, or when it is empty, the endpoint gets all.
    events: Option<Vec<String>>,
    /// True by default.
    enabled: Option<bool>,
}

/// Make an endpoint. The answer is the only one that shows its secret.
#[instrument(name = "webhooks.create", skip_all)]
pub async fn create(
    who: Allowed<EditWebhooks>,
    trail: Trail,
    webhooks: Data<Webhooks>,
    body: Checked<Value>,
) -> ApiResult<(Json<IssuedWebhook>, StatusCode)> {
    let tenant = whole_tenant(&who)?;
    let WebhookRequest { url, description, events, enabled } =
        typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let wish = Wish { url: Some(url), description, events, enabled };
    let made = webhooks.create(tenant, wish).await?;
    trail.concerns(&made.id);
    Ok((Json(made.into()), StatusCode::CREATED))
}
