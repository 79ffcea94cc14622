//! `GET /api/v1/calls`

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::BotId;
use vox_shared::wire::result::DisconnectedBy;

use super::view::CallPage;
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::calls::{CallFilter, CallStatus};
use crate::store::{Cursor, Stamp, StoreError};

/// Which calls, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    #[param(value_type = Option<String>)]
    bot_id: Option<BotId>,
    status: Option<CallStatus>,
    /// A word of the contract: `bot`, `customer`, `RNR`, …
    #[param(value_type = Option<String>)]
    disconnected_by: Option<DisconnectedBy>,
    /// `incoming` or `outgoing`.
    direction: Option<String>,
    /// The caller, exactly.
    caller: Option<String>,
    /// RFC 3339; calls that began then or later.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// RFC 3339; calls that began before.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
}

/// The tenant's calls, newest first.
#[instrument(name = "calls.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCalls>,
    query: InQuery<ListQuery>,
    State(app): State<App>,
) -> ApiResult<Json<CallPage>> {
    let query = query.0;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.limit)?;
    let filter = CallFilter {
        bot: query.bot_id,
        status: query.status,
        disconnected_by: query.disconnected_by,
        direction: query.direction,
        caller: query.caller,
        from: query.from.map(Stamp),
        to: query.to.map(Stamp),
    };
    Ok(Json(app.stores.calls(who.tenant()).list_calls(&filter, limit, cursor).await?.into()))
}
