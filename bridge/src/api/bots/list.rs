//! `GET /api/v1/bots`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::BotPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
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
    /// True for those that were deleted and can be restored, the last deleted first.
    #[serde(default)]
    deleted: bool,
}

/// Which page of something that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// 1 to 200; 50 by default.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The tenant's bots, or those of them that a key is limited to, newest first.
#[instrument(name = "bots.list", skip_all)]
pub async fn list(
    who: Allowed<ReadBots>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<BotPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.0.limit)?;
    let bots = stores.bots(who.reach());
    let page = match query.0.deleted {
        true => bots.list_deleted(limit, cursor).await?,
        false => bots.list_bots(limit, cursor).await?,
    };
    Ok(Json(page.into()))
}
