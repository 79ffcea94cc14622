//! `POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{DeliveryId, WebhookId};

use super::view::{DeliveryView, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditWebhooks;
use crate::delivery::endpoints::Webhooks;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Send one delivery once more, with the same `webhook-id`.
#[instrument(name = "webhooks.replay", skip_all, fields(webhook.id = %path.0.0, delivery.id = %path.0.1))]
pub async fn replay(
    who: Allowed<EditWebhooks>,
    path: InPath<(WebhookId, DeliveryId)>,
    webhooks: Data<Webhooks>,
) -> ApiResult<(Json<DeliveryView>, StatusCode)> {
    let (webhook, delivery) = &path.0;
    let again = webhooks.replay(whole_tenant(&who)?, (webhook, delivery)).await?;
    Ok((Json(again.into()), StatusCode::ACCEPTED))
}
