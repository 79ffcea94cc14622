//! Which calls, of which time: the same for sums and for the ids behind them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::analytics::span::Time;
use crate::error::ApiError;
use crate::fields::FieldError;
use crate::store::{Reach, Stores};

/// The time of a question that names none.
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest time that can be asked about.
pub const LONGEST_DAYS: i64 = 1_100;

/// Who called whom.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Incoming,
    Outgoing,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }
}

/// A time that was asked about.
pub struct Asked {
    pub time: Time,
    pub zone_name: String,
    /// Whether it is the zone that the tenant's days are kept in.
    pub is_own_zone: bool,
}

/// The time in whole hours of the zone that was named, or of the tenant's.
pub async fn time(
    stores: &Stores,
    reach: &Reach,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    zone: Option<&str>,
    now: Timestamp,
) -> Result<Asked, ApiError> {
    let own = stores.settings().time_zone(reach.tenant()).await.map_err(ApiError::from)?;
    let named = zone
        .map(TimeZone::get)
        .transpose()
        .map_err(|_| invalid("time_zone", "must be an IANA time zone, like Asia/Kolkata"))?;
    let is_own_zone = named.as_ref().is_none_or(|named| *named == own);
    let zone = named.unwrap_or_else(|| own.clone());
    let to = to.unwrap_or(now);
    let from = from.unwrap_or_else(|| to.saturating_sub(USUAL).unwrap_or(to));
    if from >= to {
        return Err(invalid("to", "must be later than `from`"));
    }
    if to.duration_since(from) > SignedDuration::from_hours(24 * LONGEST_DAYS) {
        return Err(invalid("from", &format!("must be {LONGEST_DAYS} days before `to` at most")));
    }
    let time = Time::around(from, to, zone.clone());
    // Hours are kept by the clocks of the tenant's zone: those of a zone half an hour away begin in the middle of them.
    if !is_own_zone && time.from != Time::around(time.from, time.to, own.clone()).from {
        let own = own.iana_name().unwrap_or("UTC");
        let message =
            format!("has hours that begin in the middle of those of {own}, in which calls are counted");
        return Err(invalid("time_zone", &message));
    }
    let zone_name = zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(Asked { time, zone_name, is_own_zone })
}

/// A refusal that names the field.
pub fn invalid(field: &str, message: &str) -> ApiError {
    ApiError::invalid(vec![FieldError::new(field, message.to_owned())])
}
