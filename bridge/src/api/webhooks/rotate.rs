//! `POST /api/v1/webhooks/{webhook_id}/rotate`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::WebhookId;

use super::view::{IssuedWebhook, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::Webhooks;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Give an endpoint a new secret. For a day both sign.
#[instrument(name = "webhooks.rotate", skip_all, fields(webhook.id = %webhook.0))]
pub async fn rotate(
    who: Allowed<EditWebhooks>,
    webhook: InPath<WebhookId>,
    webhooks: Data<Webhooks>,
) -> ApiResult<Json<IssuedWebhook>> {
    Ok(Json(webhooks.rotate(whole_tenant(&who)?, &webhook.0).await?.into()))
}
