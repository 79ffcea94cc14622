//! `GET /api/v1/internal/calls`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::api::calls::view::CallPage;
use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::params::InQuery;
use crate::error::ApiResult;
use crate::store::Cursor;

/// Most calls of a page.
const MAX_LIMIT: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
pub struct CallsQuery {
    /// 1 to 500; 500 by default.
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Calls of all tenants, newest first.
#[instrument(name = "internal.calls", skip_all)]
pub async fn calls(
    _: Internal,
    query: InQuery<CallsQuery>,
    State(app): State<App>,
) -> ApiResult<Json<CallPage>> {
    let cursor =
        query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(crate::store::StoreError::from)?;
    let limit = query.0.limit.unwrap_or(MAX_LIMIT).clamp(1, MAX_LIMIT);
    Ok(Json(app.stores.all_calls().list_calls(limit, cursor).await?.into()))
}
