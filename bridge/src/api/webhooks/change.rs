//! `PATCH /api/v1/webhooks/{webhook_id}`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::WebhookId;

use super::view::{WebhookView, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::{Webhooks, Wish};
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;

/// What is to be another; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// `https://…` or `http://…`, 2048 bytes at most, on the public Internet.
    url: Option<String>,
    /// Up to 500 characters; an empty one takes it away.
    description: Option<String>,
    /// Names of events; an empty list asks for all.
    events: Option<Vec<String>>,
    /// True switches it on, also when the bridge switched it off, and sends what waited.
    enabled: Option<bool>,
}

/// Change an endpoint.
#[instrument(name = "webhooks.change", skip_all, fields(webhook.id = %webhook.0))]
pub async fn change(
    who: Allowed<EditWebhooks>,
    webhook: InPath<WebhookId>,
    webhooks: Data<Webhooks>,
    body: Checked<Value>,
) -> ApiResult<Json<WebhookView>> {
    let tenant = whole_tenant(&who)?;
    let WebhookChange { url, description, events, enabled } =
        typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let wish = Wish { url, description, events, enabled };
    Ok(Json(webhooks.change(tenant, &webhook.0, &wish).await?.into()))
}
