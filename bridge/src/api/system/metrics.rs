//! `GET /metrics`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::fleet::capacity;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process's metrics for Prometheus. The reverse proxy does not let it out.
pub async fn metrics(State(app): State<App>) -> ApiResult<Response> {
    let workers = app.stores.workers().list_live(app.clock.now().into()).await?;
    let text =
        app.metrics.render(capacity(&workers)).map_err(|e| ApiError::internal("write the metrics", &e))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}
