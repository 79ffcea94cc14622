//! `POST /api/v1/statements/{period}/remake`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;

use super::StatementView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditPrices;
use crate::billing::period::{NoPeriod, Period};
use crate::billing::statement::make;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::{Stamp, StoreError, Stores};

/// Add a month up from the ledger again. If that says something else it is the next revision; those before stay as they are.
#[instrument(name = "statements.remake", skip_all)]
pub async fn remake(
    who: Allowed<EditPrices>,
    period: InPath<String>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<StatementView>> {
    let now = clock.now();
    let closed: Period = period.0.parse().map_err(|_: NoPeriod| ApiError::not_found("object"))?;
    if closed >= Period::of(now) {
        return Err(ApiError::conflict(
            "period_open",
            "the month is not over; its sums are in /api/v1/usage",
        ));
    }
    stores.statements(who.tenant()).find_last(&closed.to_string()).await?.ok_or(StoreError::NotFound)?;
    Ok(Json(make(&stores, who.tenant(), closed, Stamp(now)).await?.into()))
}
