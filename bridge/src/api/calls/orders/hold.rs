//! `POST /api/v1/calls/{session_id}/hold`

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

/// Put the call on hold: nobody listens and nothing is said.
#[instrument(name = "calls.hold", skip_all, fields(call.id = %call.0))]
pub async fn hold(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
) -> ApiResult<Json<Taken>> {
    place(&operator, (who.reach(), call.0), Order::Hold).await
}
