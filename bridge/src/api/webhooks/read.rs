//! `GET /api/v1/webhooks/{webhook_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::WebhookId;

use super::view::{WebhookView, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadWebhooks;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One of the tenant's endpoints, without its secret.
#[instrument(name = "webhooks.read", skip_all)]
pub async fn read(
    who: Allowed<ReadWebhooks>,
    webhook: InPath<WebhookId>,
    stores: Data<Stores>,
) -> ApiResult<Json<WebhookView>> {
    Ok(Json(stores.webhooks(whole_tenant(&who)?).get_endpoint(&webhook.0).await?.into()))
}
