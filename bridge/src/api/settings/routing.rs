//! `PUT /api/v1/settings/routing`

use std::ops::RangeInclusive;

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::owner::OwnerQuery;
use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{RoutingSettings, Settings};
use crate::store::{Stamp, Stores};

/// What a budget may be, milliseconds.
const BUDGET_MS: RangeInclusive<u32> = 50..=10_000;
/// What may be asked of a median.
const MIN_SAMPLES: RangeInclusive<u32> = 1..=100_000;
/// Answers of a vendor that make a median, if nothing else is said.
const DEFAULT_SAMPLES: u32 = 20;

/// How long recogniser, model and voice may take together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRouting {
    /// Milliseconds, 50 to 10000; null: every call begins with the first vendors of its bot.
    budget_ms: Option<u32>,
    /// Answers of a vendor in the last 24 hours, 1 to 100000, with fewer of which it counts as not observed; 20.
    #[serde(default)]
    min_samples: Option<u32>,
}

/// Set the budget by which calls are given vendors out of their bots' lists, from the next call on.
#[instrument(name = "settings.routing", skip_all)]
pub async fn routing(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewRouting>,
) -> ApiResult<Json<DocumentView>> {
    let NewRouting { budget_ms, min_samples } = body.0;
    let min_samples = min_samples.unwrap_or(DEFAULT_SAMPLES);
    let mut faults = Vec::new();
    let mut unless = |good: bool, field: &str, range: &RangeInclusive<u32>| {
        if !good {
            faults.push(FieldError::new(field, format!("must be {} to {}", range.start(), range.end())));
        }
    };
    unless(budget_ms.is_none_or(|ms| BUDGET_MS.contains(&ms)), "budget_ms", &BUDGET_MS);
    unless(MIN_SAMPLES.contains(&min_samples), "min_samples", &MIN_SAMPLES);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let routing = budget_ms.map(|budget_ms| RoutingSettings { budget_ms, min_samples });
    let owner = query.0.owner(who.tenant());
    let change = |settings: &mut Settings| settings.routing = routing;
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
