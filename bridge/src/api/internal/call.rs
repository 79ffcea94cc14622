//! `GET /api/v1/internal/calls/{session_id}`

use axum::Json;
use axum::extract::State;
use tracing::instrument;
use vox_shared::ids::SessionId;

use crate::api::calls::view::{CallDetail, detail};
use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// One call of any tenant.
#[instrument(name = "internal.call", skip_all, fields(call.id = %call.0))]
pub async fn call(
    _: Internal,
    call: InPath<SessionId>,
    State(app): State<App>,
) -> ApiResult<Json<CallDetail>> {
    let found = app.stores.all_calls().find_call(&call.0).await?;
    Ok(Json(detail(&app, found.ok_or_else(|| ApiError::not_found("call"))?)?))
}
