//! `GET /api/v1/api-keys`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::clock::Clock;

use super::view::{KeyPage, KeyView};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageApiKeys;
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

/// The tenant's keys, newest first, the revoked and expired ones too.
#[instrument(name = "api_keys.list", skip_all)]
pub async fn list(
    who: Allowed<ManageApiKeys>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<KeyPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let listed = stores.api_keys(who.tenant()).list_keys(limit_of(query.0.limit)?, cursor).await?;
    let items = listed.items.into_iter().map(|key| KeyView::new(key, clock.now())).collect();
    Ok(Json(KeyPage { items, next_cursor: listed.next_cursor }))
}
