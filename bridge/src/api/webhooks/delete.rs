//! `DELETE /api/v1/webhooks/{webhook_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::WebhookId;

use super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::Webhooks;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Delete an endpoint. What waits for it is not sent.
#[instrument(name = "webhooks.delete", skip_all, fields(webhook.id = %webhook.0))]
pub async fn delete(
    who: Allowed<EditWebhooks>,
    webhook: InPath<WebhookId>,
    webhooks: Data<Webhooks>,
) -> ApiResult<HttpResponse> {
    webhooks.delete(whole_tenant(&who)?, &webhook.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
