//! `GET /metrics`: Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::app::App;

/// Show the worker's metrics.
pub async fn show(State(app): State<Arc<App>>) -> impl IntoResponse {
    let text = app.metrics.render(&app.outbox);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
