//! `POST /api/v1/webhooks/{webhook_id}/test`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::WebhookId;

use super::view::{DeliveryView, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::Webhooks;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Send a `webhook.test` to an endpoint. What came of it is in its deliveries.
#[instrument(name = "webhooks.test", skip_all, fields(webhook.id = %webhook.0))]
pub async fn test(
    who: Allowed<EditWebhooks>,
    webhook: InPath<WebhookId>,
    webhooks: Data<Webhooks>,
) -> ApiResult<(Json<DeliveryView>, StatusCode)> {
    let made = webhooks.test(whole_tenant(&who)?, &webhook.0).await?;
    Ok((Json(made.into()), StatusCode::ACCEPTED))
}
