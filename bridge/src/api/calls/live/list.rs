//! `GET /api/v1/calls/live`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::ids::BotId;

use super::Watch;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::live::{Live, Phase};
use crate::store::calls::{Call, CallFilter, CallStatus};
use crate::store::{Cursor, StoreError, Stored};

/// Which running calls, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LiveQuery {
    #[param(value_type = Option<String>)]
    bot_id: Option<BotId>,
    /// `next_cursor` of the page before, with the same filter.
    cursor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
}

/// A call without a terminal record, and where it stands as far as its worker told this bridge.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCall {
    pub session_id: String,
    pub bot_id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub caller_id: Option<String>,
    /// `incoming` or `outgoing`.
    pub call_direction: Option<String>,
    pub transport: Option<String>,
    /// Who has it.
    pub worker_id: Option<String>,
    pub phase: Phase,
    pub answered_at: Option<String>,
    /// Of the newest event. A worker says something once a minute at least.
    pub last_event_at: Option<String>,
    /// Number of the newest event; 0 when none came.
    pub newest_event: u64,
    /// Lines of the transcript that this bridge was told of.
    pub turns: u64,
    /// Wire to ear of the newest reply, milliseconds.
    pub latency_ms: Option<f64>,
}

/// One page of running calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct LivePage {
    pub items: Vec<LiveCall>,
    pub next_cursor: Option<String>,
}

/// The tenant's running calls, or those of the bots that a key is limited to, newest first.
#[instrument(name = "calls.live", skip_all)]
pub async fn list(
    who: Allowed<ReadCalls>,
    query: InQuery<LiveQuery>,
    watch: Data<Watch>,
) -> ApiResult<Json<LivePage>> {
    let LiveQuery { bot_id, cursor, limit } = query.0;
    let cursor = cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let filter = CallFilter { bot: bot_id, status: Some(CallStatus::Started), ..CallFilter::default() };
    let listed = watch.stores.calls(who.reach()).list_calls(&filter, limit_of(limit)?, cursor).await?;
    let items = listed.items.into_iter().map(|call| shown(&watch.live, call)).collect();
    Ok(Json(LivePage { items, next_cursor: listed.next_cursor }))
}

fn shown(live: &Live, stored: Stored<Call>) -> LiveCall {
    let state = stored.id.parse().ok().and_then(|id| live.state(&id)).unwrap_or_default();
    let call = stored.value;
    LiveCall {
        session_id: stored.id,
        bot_id: call.bot_id.to_string(),
        created_at: call.created_at.to_string(),
        caller_id: Some(call.caller_id).filter(|caller| !caller.is_empty()),
        call_direction: call.direction,
        transport: call.transport,
        worker_id: state.worker_id.or(call.worker_id).map(|id| id.to_string()),
        phase: state.phase,
        answered_at: state.answered_at,
        last_event_at: state.last_event_at,
        newest_event: state.newest,
        turns: state.turns,
        latency_ms: state.latency_ms,
    }
}
