//! `POST /api/v1/calls/{session_id}/resume`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;

use super::{Taken, place};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ControlCalls;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::live::orders::Operator;

/// Go on after a hold.
#[instrument(name = "calls.resume", skip_all, fields(call.id = %call.0))]
pub async fn resume(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
) -> ApiResult<Json<Taken>> {
    place(&operator, (who.reach(), call.0), Order::GoOn).await
}
