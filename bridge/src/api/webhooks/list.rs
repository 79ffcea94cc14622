//! `GET /api/v1/webhooks`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::{WebhookPage, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadWebhooks;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The tenant's endpoints, newest first.
#[instrument(name = "webhooks.list", skip_all)]
pub async fn list(
    who: Allowed<ReadWebhooks>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<WebhookPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let endpoints = stores.webhooks(whole_tenant(&who)?);
    Ok(Json(endpoints.list_endpoints(limit_of(query.0.limit)?, cursor).await?.into()))
}
