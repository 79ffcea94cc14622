//! `GET /metrics`, on the listener of its own.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use vox_shared::clock::Clock;

use crate::api::calls::live::Watch;
use crate::error::{ApiError, ApiResult};
use crate::fleet::capacity;
use crate::metrics::Metrics;
use crate::store::Stores;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process's metrics for Prometheus. They name tenants, so the API's listener does not have them.
pub async fn metrics(
    stores: Data<Stores>,
    clock: Data<Clock>,
    metrics: Data<Metrics>,
    watch: Data<Watch>,
) -> ApiResult<HttpResponse> {
    let workers = stores.workers().list_live(clock.now().into()).await?;
    watch.live.count();
    let text = metrics.render(capacity(&workers)).map_err(|e| ApiError::internal("write the metrics", &e))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, OPENMETRICS)).body(text))
}
