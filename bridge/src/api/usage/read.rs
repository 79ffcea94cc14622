//! `GET /v1/usage` and `GET /api/v1/usage`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::clock::Clock;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::billing::limits::{Resource, Used};
use crate::billing::period::Period;
use crate::billing::spent::spent;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::Stores;
use crate::store::ledger::{Amounts, GroupBy};

/// Which sums.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// A month in UTC, `2026-11`; the present one when left out.
    period: Option<String>,
    /// `day`, `bot`, `vendor`, or `resource` (the default: the sums alone).
    group_by: Option<String>,
}

/// What was used in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageView {
    /// `2026-11`.
    pub period: String,
    pub total: UsageSums,
    /// In the order of their keys; empty for `resource`.
    pub groups: Vec<UsageGroup>,
}

/// What was used, with what it is the sum of.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageGroup {
    /// The day, the bot's id or the vendor's name; empty for what no vendor did.
    pub key: String,
    #[serde(flatten)]
    pub sums: UsageSums,
}

/// Sums of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageSums {
    /// Whole minutes of calls, rounded down.
    pub minutes: i64,
    /// In and out.
    pub tokens: i64,
    #[serde(flatten)]
    pub amounts: Amounts,
}

/// What the tenant used in a month, or of it what belongs to the bots that a key is limited to: as new as the ledger, so that it lacks at
/// most what ended a moment ago. Days that were added up are taken as they are; by vendors for a key that is limited to bots the whole
/// month of the ledger is read.
#[instrument(name = "usage.read", skip_all)]
pub async fn read(
    who: Allowed<ReadUsage>,
    query: InQuery<UsageQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<UsageView>> {
    let invalid = |field: &str, message: &str| ApiError::invalid(vec![FieldError::new(field, message)]);
    let period = match &query.0.period {
        Some(text) => text
            .parse()
            .map_err(|error: crate::billing::period::NoPeriod| invalid("period", &error.to_string()))?,
        None => Period::of(clock.now()),
    };
    let (by, is_told) = match query.0.group_by.as_deref() {
        None | Some("resource") => (GroupBy::Day, false),
        Some("day") => (GroupBy::Day, true),
        Some("bot") => (GroupBy::Bot, true),
        Some("vendor") => (GroupBy::Vendor, true),
        Some(_) => return Err(invalid("group_by", "must be one of day, bot, vendor, resource")),
    };
    let (first, next) = period.bounds();
    let known = spent(&stores, who.reach(), (period, Period::of(clock.now())), by).await?;
    let sums = match known {
        Some(sums) => sums,
        None => stores.ledger(who.reach()).sums((&first, &next), by).await?.amounts(),
    };
    let total = sums.values().fold(Amounts::default(), |total, sum| total.plus(*sum));
    let groups = sums.into_iter().filter(|_| is_told);
    let groups = groups.map(|(key, amounts)| UsageGroup { key, sums: amounts.into() }).collect();
    Ok(Json(UsageView { period: period.to_string(), total: total.into(), groups }))
}

impl From<Amounts> for UsageSums {
    fn from(amounts: Amounts) -> Self {
        let used: Used = amounts.used();
        Self { minutes: used.of(Resource::Minutes), tokens: used.of(Resource::Tokens), amounts }
    }
}
