//! `GET /api/v1/calls/{session_id}`

use axum::Json;
use axum::extract::State;
use tracing::instrument;
use vox_shared::ids::SessionId;

use super::view::{CallDetail, detail};
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// One of the tenant's calls.
#[instrument(name = "calls.read", skip_all, fields(call.id = %call.0))]
pub async fn read(
    who: Allowed<ReadCalls>,
    call: InPath<SessionId>,
    State(app): State<App>,
) -> ApiResult<Json<CallDetail>> {
    let call = app.stores.calls(who.tenant()).get_call(&call.0).await?;
    Ok(Json(detail(&app, call)?))
}
