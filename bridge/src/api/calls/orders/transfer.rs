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
}

/// Hand the caller over. No line can do that yet, so every call refuses it, and says so.
#[instrument(name = "calls.transfer", skip_all, fields(call.id = %call.0))]
pub async fn transfer(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
    target: Checked<Target, MAX_ORDER_BYTES>,
) -> ApiResult<Json<Taken>> {
    place(&operator, (who.reach(), call.0), Order::Transfer { to: target.0.to }).await
}
