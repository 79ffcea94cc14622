//! `DELETE /api/v1/calls/{session_id}/hold`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::SessionId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::HoldCalls;
use crate::custody::Custodian;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Lift a call's legal hold.
#[instrument(name = "calls.legal_hold.lift", skip_all, fields(call.id = %call.0))]
pub async fn lift(
    who: Allowed<HoldCalls>,
    call: InPath<SessionId>,
    custodian: Data<Custodian>,
) -> ApiResult<HttpResponse> {
    custodian.lift_hold(who.reach(), &call.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
