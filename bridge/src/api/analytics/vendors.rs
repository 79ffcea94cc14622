//! `GET /api/v1/analytics/vendors`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::error::ApiResult;
use crate::store::Stores;
use crate::store::latencies::Latency;

/// How fast vendors answered in the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorLatencies {
    /// RFC 3339, UTC; null before they were made for the first time.
    pub as_of: Option<String>,
    pub items: Vec<Latency>,
}

/// What routing goes by. A key that is limited to certain bots sees none: they are of all calls.
#[instrument(name = "analytics.vendors", skip_all)]
pub async fn vendors(who: Allowed<ReadCalls>, stores: Data<Stores>) -> ApiResult<Json<VendorLatencies>> {
    let known = match who.reach().bots() {
        None => stores.latencies(who.reach().tenant()).find().await?,
        Some(_) => None,
    };
    let as_of = known.as_ref().map(|known| known.value.as_of.to_string());
    Ok(Json(VendorLatencies { as_of, items: known.map(|known| known.value.rows).unwrap_or_default() }))
}
