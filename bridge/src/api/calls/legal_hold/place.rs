//! `PUT /api/v1/calls/{session_id}/hold`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::SessionId;

use crate::api::calls::view::HoldView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::HoldCalls;
use crate::custody::Custodian;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Put a call under a legal hold. Doing so again answers the first one.
#[instrument(name = "calls.legal_hold.place", skip_all, fields(call.id = %call.0))]
pub async fn place(
    who: Allowed<HoldCalls>,
    call: InPath<SessionId>,
    custodian: Data<Custodian>,
) -> ApiResult<Json<HoldView>> {
    Ok(Json(custodian.hold(who.reach(), &call.0, who.id()).await?.into()))
}
