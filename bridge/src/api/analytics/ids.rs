//! `GET /api/v1/analytics/calls/ids`

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;
use vox_shared::wire::result::DisconnectedBy;

use super::asked::{Direction, time};
use crate::analytics::answer::Narrowing;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InQuery, instant, within};
use crate::error::ApiResult;
use crate::store::calls::CallStatus;
use crate::store::digests::Sought;
use crate::store::{Cursor, Stamp, StoreError, Stores};

/// Ids of a page when the client does not say, and the most.
const MAX_IDS: usize = 500;

/// Which calls: the same as those of the sums.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct IdsQuery {
    /// RFC 3339; calls that began in its hour or later. A week before `to` when left out.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    /// RFC 3339; calls that began before it, or in its hour. Now when left out.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// IANA name of the zone whose hours are meant; the tenant's when left out.
    time_zone: Option<String>,
    #[param(value_type = Option<String>)]
    bot_id: Option<BotId>,
    campaign_id: Option<String>,
    /// One that did the most of its service in a call.
    vendor: Option<String>,
    #[param(value_type = Option<String>)]
    disconnected_by: Option<DisconnectedBy>,
    /// What came of the call, in a word.
    disposition: Option<String>,
    status: Option<CallStatus>,
    #[param(inline)]
    direction: Option<Direction>,
    /// 1 to 500, the default.
    limit: Option<usize>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
}

/// One page of ids.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallIds {
    pub session_ids: Vec<String>,
    pub next_cursor: Option<String>,
}

/// The calls behind a sum, newest first. Those that were deleted are in the sums and not here.
#[instrument(name = "analytics.ids", skip_all)]
pub async fn ids(
    who: Allowed<ReadCalls>,
    query: InQuery<IdsQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<CallIds>> {
    let query = query.0;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = within(query.limit.unwrap_or(MAX_IDS), MAX_IDS)?;
    let bounds = (query.from, query.to);
    let asked = time(&stores, who.reach(), bounds, query.time_zone.as_deref(), clock.now()).await?;
    let narrowing = Narrowing {
        bot: query.bot_id.map(|bot| bot.to_string()),
        campaign: query.campaign_id,
        direction: query.direction.map(Direction::as_str),
        outcome: query.disconnected_by,
        disposition: query.disposition,
        status: query.status,
        vendor: query.vendor,
    };
    let (from, to) = (Some(Stamp(asked.time.from)), Some(Stamp(asked.time.to)));
    let sought = Sought { words: narrowing.words(), now: Stamp(clock.now()), from, to };
    let found = stores.digests(who.reach()).search(&sought, limit, cursor).await?;
    let session_ids = found.items.into_iter().map(|digest| digest.id).collect();
    Ok(Json(CallIds { session_ids, next_cursor: found.next_cursor }))
}
