//! `GET /api/v1/recordings/{session_id}`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tracing::instrument;
use vox_shared::ids::SessionId;

use super::serve::{Recordings, serve};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ListenToRecordings;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// The recording of one of the tenant's calls.
#[instrument(name = "recordings.by_session", skip_all, fields(call.id = %call.0))]
pub async fn by_session(
    who: Allowed<ListenToRecordings>,
    call: InPath<SessionId>,
    recordings: Data<Recordings>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let call = recordings.stores.calls(who.reach()).get_call(&call.0).await?;
    serve(&recordings, &call.value, &request).await
}
