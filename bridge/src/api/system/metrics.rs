//! `GET /metrics`, on the listener of its own.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use vox_shared::clock::Clock;

use crate::api::calls::live::Watch;
use crate::coordination::Coordination;
use crate::error::{ApiError, ApiResult};
use crate::fleet::reserve::Fleet;
use crate::metrics::backlog::Asked;
use crate::metrics::{Metrics, Now};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process's metrics for Prometheus. They name tenants, so the API's listener does not have them. They are told when the stores
/// are away, too: then what is read from them is not a number.
pub async fn metrics(
    fleet: Data<Fleet>,
    metrics: Data<Metrics>,
    watch: Data<Watch>,
    clock: Data<Clock>,
    coordination: Data<dyn Coordination>,
) -> ApiResult<HttpResponse> {
    let asked = Asked { stores: &watch.stores, fleet: &fleet, clock: &clock };
    metrics.backlog().look(&asked).await;
    let now = Now {
        documents: watch.stores.connections(),
        redis: coordination.connections(),
        running: watch.live.count(),
    };
    let text = metrics.render(now).map_err(|e| ApiError::internal("write the metrics", &e))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, OPENMETRICS)).body(text))
}
