//! `GET /api/v1/webhooks/{webhook_id}/deliveries`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::WebhookId;

use super::view::{DeliveryPage, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadWebhooks;
use crate::edge::params::{InPath, InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::deliveries::DeliveryState;
use crate::store::{Cursor, StoreError, Stores};

/// Which deliveries, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(inline)]
    state: Option<DeliveryState>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before, with the same filter.
    cursor: Option<String>,
}

/// What was sent to an endpoint, or is to be, newest first.
#[instrument(name = "webhooks.deliveries", skip_all)]
pub async fn deliveries(
    who: Allowed<ReadWebhooks>,
    webhook: InPath<WebhookId>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<DeliveryPage>> {
    let (tenant, query) = (whole_tenant(&who)?, query.0);
    stores.webhooks(tenant).get_endpoint(&webhook.0).await?;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let page = (limit_of(query.limit)?, cursor);
    Ok(Json(stores.deliveries(tenant).list_deliveries(&webhook.0, query.state, page).await?.into()))
}
