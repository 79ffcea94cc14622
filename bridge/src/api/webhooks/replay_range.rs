//! `POST /api/v1/webhooks/{webhook_id}/replay`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::WebhookId;

use super::view::whole_tenant;
use crate::api::jobs::view::JobView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::Webhooks;
use crate::delivery::replay::Stretch;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};
use crate::jobs::runner::Runner;
use crate::store::Stamp;

/// The events that are sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// RFC 3339; events that were stored then or later.
    from: String,
    /// RFC 3339; events that were stored before. Now, without it.
    to: Option<String>,
}

/// Send the events of a stretch of time again, those that were never sent too. A job does it.
#[instrument(name = "webhooks.replay_range", skip_all, fields(webhook.id = %webhook.0))]
pub async fn replay_range(
    who: Allowed<EditWebhooks>,
    webhook: InPath<WebhookId>,
    webhooks: Data<Webhooks>,
    runner: Data<Runner>,
    body: Checked<Value>,
) -> ApiResult<(Json<JobView>, StatusCode)> {
    let tenant = whole_tenant(&who)?;
    webhooks.stores.webhooks(tenant).get_endpoint(&webhook.0).await?;
    let request = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let stretch = stretch(webhook.0, request, webhooks.clock.now()).map_err(ApiError::invalid)?;
    let job = webhooks.replay_stretch(tenant, stretch).await?;
    runner.ring();
    Ok((Json(job.into()), StatusCode::ACCEPTED))
}

fn stretch(webhook_id: WebhookId, asked: ReplayRequest, now: Timestamp) -> Result<Stretch, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut instant = |name: &str, text: &str| {
        let found: Option<Timestamp> = text.parse().ok();
        if found.is_none() {
            faults.push(FieldError::new(name, "must be RFC 3339, like 2026-11-20T10:00:00Z"));
        }
        Stamp(found.unwrap_or(now))
    };
    let from = instant("from", &asked.from);
    let to = asked.to.map_or(Stamp(now), |to| instant("to", &to));
    if faults.is_empty() && from >= to {
        faults.push(FieldError::new("from", "must be before `to`, and in the past"));
    }
    if faults.is_empty() { Ok(Stretch { webhook_id, from, to }) } else { Err(faults) }
}
