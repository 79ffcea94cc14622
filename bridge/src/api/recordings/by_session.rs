//! `GET /api/v1/recordings/{session_id}`

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tracing::instrument;
use vox_shared::ids::SessionId;

use super::serve::{Asked, serve};
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ListenToRecordings;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// The recording of one of the tenant's calls.
#[instrument(name = "recordings.by_session", skip_all, fields(call.id = %call.0))]
pub async fn by_session(
    who: Allowed<ListenToRecordings>,
    call: InPath<SessionId>,
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let call = app.stores.calls(who.tenant()).get_call(&call.0).await?;
    serve(&app, &call.value, Asked { method: &method, headers: &headers }).await
}
