//! `GET /api/v1/analytics/calls`

use actix_web::web::{Data, Json};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;
use vox_shared::wire::result::DisconnectedBy;

use super::asked::{Asked, Direction, invalid, time};
use super::view::{AnalyticsView, Frame};
use crate::analytics::answer::{GroupBy, Narrowing, answer};
use crate::analytics::sums::Money;
use crate::auth::allowed::Allowed;
use crate::auth::permission::{ReadCalls, ReadUsage};
use crate::edge::params::{InQuery, instant};
use crate::error::{ApiError, ApiResult};
use crate::store::calls::CallStatus;
use crate::store::rollups::Grain;
use crate::store::{Stamp, Stores};

/// The longest time whose hours are shown one by one, and that is added up from hours alone.
const LONGEST_OF_HOURS: SignedDuration = SignedDuration::from_hours(62 * 24);

/// Which sums.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SumsQuery {
    /// `hour`, `day`, `bot`, `vendor`, `campaign`, `outcome` or `disposition`; the sums of all calls alone when left out.
    #[param(inline)]
    group_by: Option<GroupBy>,
    /// RFC 3339; calls that began in its hour or later. A week before `to` when left out.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    /// RFC 3339; calls that began before it, or in its hour. Now when left out.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// IANA name of the zone whose days are meant; the tenant's when left out.
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
}

/// Sums over the tenant's calls, or over those of the bots that a key is limited to. A call counts a few seconds after its end.
#[instrument(name = "analytics.calls", skip_all)]
pub async fn calls(
    who: Allowed<ReadCalls>,
    query: InQuery<SumsQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<AnalyticsView>> {
    let query = query.0;
    let bounds = (query.from, query.to);
    let asked = time(&stores, who.reach(), bounds, query.time_zone.as_deref(), clock.now()).await?;
    let largest = largest(&asked, query.group_by)?;
    let by = query.group_by.unwrap_or(GroupBy::Outcome);
    let narrowing = Narrowing {
        bot: query.bot_id.map(|bot| bot.to_string()),
        campaign: query.campaign_id,
        direction: query.direction.map(Direction::as_str),
        outcome: query.disconnected_by,
        disposition: query.disposition,
        status: query.status,
        vendor: query.vendor,
    };
    let found = answer(&stores, who.reach(), (&asked.time, largest), (by, &narrowing)).await?;
    let frame = Frame {
        from: Stamp(asked.time.from).to_string(),
        to: Stamp(asked.time.to).to_string(),
        time_zone: asked.zone_name,
        group_by: query.group_by,
        shows_money: if who.may::<ReadUsage>() { Money::Shown } else { Money::Hidden },
    };
    Ok(Json(frame.show(&found)))
}

/// Up to which grain sums are of use.
fn largest(asked: &Asked, by: Option<GroupBy>) -> Result<Grain, ApiError> {
    let grain = match by {
        _ if !asked.is_own_zone => Grain::Hour,
        Some(GroupBy::Hour) => Grain::Hour,
        Some(GroupBy::Day) => Grain::Day,
        _ => Grain::Month,
    };
    let length = asked.time.to.duration_since(asked.time.from);
    if grain == Grain::Hour && length > LONGEST_OF_HOURS {
        let days = LONGEST_OF_HOURS.as_hours() / 24;
        let field = if asked.is_own_zone { "group_by" } else { "time_zone" };
        let message =
            format!("needs the hours of the time one by one, and that is done for {days} days at most");
        return Err(invalid(field, &message));
    }
    Ok(grain)
}
