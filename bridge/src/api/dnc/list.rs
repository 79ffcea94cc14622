//! `GET /api/v1/dnc`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::BarredPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadDoNotCall;
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

/// The tenant's list, newest first.
#[instrument(name = "dnc.list", skip_all)]
pub async fn list(
    who: Allowed<ReadDoNotCall>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<BarredPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.0.limit)?;
    Ok(Json(stores.do_not_call(who.reach().tenant()).list(limit, cursor).await?.into()))
}
