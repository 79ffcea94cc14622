//! `GET /v1/telemetry`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use crate::analytics::answer::{GroupBy, Narrowing, answer};
use crate::analytics::cell::Sum;
use crate::analytics::span::Time;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::error::{ApiError, ApiResult};
use crate::fleet::reserve::Fleet;
use crate::store::rollups::Grain;
use crate::store::{Stamp, Stores};

/// How it goes now.
#[derive(Debug, Serialize, ToSchema)]
pub struct TelemetryView {
    /// RFC 3339, UTC.
    pub as_of: String,
    /// Calls that run now.
    pub conversations: u64,
    /// Calls that began today, by the tenant's clock, and have ended.
    pub conversations_today: i64,
    /// Calls that the deployment can take now, those of other tenants among them.
    pub available_slots: u32,
    /// The part of callers who reached a person in time. Always null: there is no Agent Desk yet.
    pub service_level: Option<f64>,
    /// How long they waited for a person. Always null, too.
    pub average_wait_seconds: Option<f64>,
    /// People who could take a call. Always null, too.
    pub available_agents: Option<u32>,
}

/// How the tenant's calls go now, or those of the bots that a key is limited to.
#[instrument(name = "telemetry.read", skip_all)]
pub async fn read(
    who: Allowed<ReadCalls>,
    stores: Data<Stores>,
    fleet: Data<Fleet>,
    clock: Data<Clock>,
) -> ApiResult<Json<TelemetryView>> {
    let now = clock.now();
    let zone = stores.settings().time_zone(who.reach().tenant()).await?;
    let midnight = zone.to_datetime(now).date().to_zoned_datetime(zone.clone());
    let midnight =
        midnight.map_err(|error| ApiError::internal("find the begin of a day", &error))?.timestamp();
    // The hour that has just begun counts too.
    let today = Time::around(midnight, Stamp(now).next().0, zone);
    let narrowing = Narrowing::default();
    let counted = answer(&stores, who.reach(), (&today, Grain::Day), (GroupBy::Outcome, &narrowing)).await?;
    Ok(Json(TelemetryView {
        as_of: Stamp(now).to_string(),
        conversations: stores.calls(who.reach()).count_running(Stamp(now)).await?,
        conversations_today: counted.total.sum(Sum::Calls),
        available_slots: fleet.look().await?.capacity().available,
        service_level: None,
        average_wait_seconds: None,
        available_agents: None,
    }))
}
