//! `POST /api/v1/calls/{session_id}/say`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;

use super::{MAX_ORDER_BYTES, Taken, Words, place};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ControlCalls;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::live::orders::Operator;

/// Have the bot say this after what it is saying.
#[instrument(name = "calls.say", skip_all, fields(call.id = %call.0))]
pub async fn say(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
    words: Checked<Words, MAX_ORDER_BYTES>,
) -> ApiResult<Json<Taken>> {
    place(&operator, (who.reach(), call.0), Order::Say { text: words.0.text }).await
}
