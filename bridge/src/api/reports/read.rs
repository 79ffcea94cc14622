//! `GET /api/v1/reports/{day}`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::{ReportView, whole};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// The report of a day.
#[instrument(name = "reports.read", skip_all)]
pub async fn read(
    who: Allowed<ReadUsage>,
    day: InPath<String>,
    stores: Data<Stores>,
) -> ApiResult<Json<ReportView>> {
    whole(who.reach())?;
    Ok(Json(stores.reports(who.reach().tenant()).get_report(&day.0).await?.into()))
}
