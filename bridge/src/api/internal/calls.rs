//! `GET /api/v1/internal/calls`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::api::calls::view::CallPage;
use crate::auth::internal::Tools;
use crate::edge::params::{InQuery, within};
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Most calls of a page.
const MAX_LIMIT: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CallsQuery {
    /// 1 to 500; 500 by default.
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Calls of all tenants, newest first.
#[instrument(name = "internal.calls", skip_all)]
pub async fn calls(_: Tools, query: InQuery<CallsQuery>, stores: Data<Stores>) -> ApiResult<Json<CallPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = within(query.0.limit.unwrap_or(MAX_LIMIT), MAX_LIMIT)?;
    Ok(Json(stores.all_calls().list_calls(limit, cursor).await?.into()))
}
