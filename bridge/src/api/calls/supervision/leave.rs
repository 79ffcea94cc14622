//! `DELETE /api/v1/calls/{session_id}/supervision`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;

use crate::auth::allowed::Allowed;
use crate::auth::permission::SuperviseCalls;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::live::orders::Operator;

/// Give your seat up: you are put out of all rooms of the call. Who has none has left already.
#[instrument(name = "calls.stop_supervising", skip_all, fields(call.id = %call.0))]
pub async fn leave(
    who: Allowed<SuperviseCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
) -> ApiResult<HttpResponse> {
    let known = operator.call(who.reach(), &call.0).await?;
    let order = Order::StopSupervising { supervisor: who.id().to_owned() };
    operator.place(&call.0, &known, order).await?;
    Ok(HttpResponse::NoContent().finish())
}
