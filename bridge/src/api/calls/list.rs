//! `GET /api/v1/calls`

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::ids::BotId;
use vox_shared::wire::result::DisconnectedBy;

use super::view::CallPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InQuery, instant, limit_of, number};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::runtime::config::MAX_NAME;
use crate::store::calls::{CallFilter, CallStatus};
use crate::store::{Cursor, Stamp, StoreError, Stores};

/// Which calls, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(value_type = Option<String>)]
    bot_id: Option<BotId>,
    status: Option<CallStatus>,
    /// A word of the contract: `bot`, `customer`, `RNR`, …
    #[param(value_type = Option<String>)]
    disconnected_by: Option<DisconnectedBy>,
    #[param(inline)]
    direction: Option<Direction>,
    /// The word for what came of it, exactly: `RNR`, `Connected`, or one of the bot's own.
    disposition: Option<String>,
    /// The caller, exactly. A number's '+' is written as `%2B`; a bare one is understood.
    caller: Option<String>,
    /// RFC 3339; calls that began then or later.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    /// RFC 3339; calls that began before.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Incoming,
    Outgoing,
}

/// The tenant's calls, or those of the bots that a key is limited to, newest first.
#[instrument(name = "calls.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCalls>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<CallPage>> {
    let query = query.0;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.limit)?;
    let filter = filter(query).map_err(ApiError::invalid)?;
    Ok(Json(stores.calls(who.reach()).list_calls(&filter, limit, cursor).await?.into()))
}

/// What is asked for. A filter that no call can match is a mistake, and an empty list would not tell it.
fn filter(query: ListQuery) -> Result<CallFilter, Vec<FieldError>> {
    let mut faults = Vec::new();
    let caller = query.caller.map(number);
    if caller.as_ref().is_some_and(|c| c.trim().is_empty() || c.chars().count() > MAX_NAME) {
        faults.push(FieldError::new("caller", format!("must be 1 to {MAX_NAME} characters")));
    }
    if query.disposition.as_ref().is_some_and(|d| d.trim().is_empty() || d.chars().count() > MAX_NAME) {
        faults.push(FieldError::new("disposition", format!("must be 1 to {MAX_NAME} characters")));
    }
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        faults.push(FieldError::new("to", "must be later than `from`"));
    }
    let direction = query.direction.map(|direction| match direction {
        Direction::Incoming => "incoming".to_owned(),
        Direction::Outgoing => "outgoing".to_owned(),
    });
    let filter = CallFilter {
        bot: query.bot_id,
        status: query.status,
        disconnected_by: query.disconnected_by,
        direction,
        disposition: query.disposition,
        caller,
        from: query.from.map(Stamp),
        to: query.to.map(Stamp),
    };
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}
