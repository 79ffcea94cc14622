//! `DELETE /api/v1/calls/{session_id}/recording-link`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::SessionId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ShareRecordings;
use crate::custody::Custodian;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Revoke the link to a call's recording.
#[instrument(name = "calls.link.revoke", skip_all, fields(call.id = %call.0))]
pub async fn revoke(
    who: Allowed<ShareRecordings>,
    call: InPath<SessionId>,
    custodian: Data<Custodian>,
) -> ApiResult<HttpResponse> {
    custodian.revoke_link(who.reach(), &call.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
