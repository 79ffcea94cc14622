//! `GET /metrics`: Prometheus.

use http::StatusCode;

use super::answer::{Answer, text};
use crate::app::App;

/// Show the worker's metrics.
pub fn show(app: &App) -> Answer {
    let metrics = app.metrics.render(&app.outbox, app.courier.books());
    text(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics)
}
