//! `POST /api/v1/calls/{session_id}/transfer`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;

use super::{MAX_ORDER_BYTES, Taken, place};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ControlCalls;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::live::orders::Operator;

/// To whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A number or an address, at most 4,000 characters.
    #[serde(default)]
    #[schema(required = true)]
    to: String,
    /// Ask the person first, while the caller is on hold with music. Only a call in a LiveKit room can, and only a number can be called.
    #[serde(default)]
    warm: bool,
}

/// Hand the caller over. A line that cannot refuses it, and says so.
#[instrument(name = "calls.transfer", skip_all, fields(call.id = %call.0))]
pub async fn transfer(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
    target: Checked<Target, MAX_ORDER_BYTES>,
) -> ApiResult<Json<Taken>> {
    place(&operator, (who.reach(), call.0), order(target.0)).await
}

fn order(Target { to, warm }: Target) -> Order {
    Order::Transfer { to, warm }
}
