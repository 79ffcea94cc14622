//! `POST /api/v1/calls/{session_id}/end`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;

use super::{MAX_ORDER_BYTES, Taken, place};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ControlCalls;
use crate::edge::body::{Whole, parse};
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::live::orders::Operator;

/// The last words.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Farewell {
    /// At most 4,000 characters; the bot's own closing phrase when it is empty.
    #[serde(default)]
    goodbye: String,
}

/// Say goodbye and hang up.
#[instrument(name = "calls.end", skip_all, fields(call.id = %call.0))]
pub async fn end(
    who: Allowed<ControlCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
    body: Whole<MAX_ORDER_BYTES>,
) -> ApiResult<Json<Taken>> {
    let Farewell { goodbye } = if body.0.is_empty() { Farewell::default() } else { parse(&body.0)? };
    place(&operator, (who.reach(), call.0), Order::End { goodbye }).await
}
