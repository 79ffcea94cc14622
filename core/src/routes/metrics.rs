//! `GET /metrics`: Prometheus.

use http::StatusCode;
use tokio::time::Instant;

use super::answer::{Answer, text};
use crate::app::App;

/// Show the worker's metrics.
pub fn show(app: &App) -> Answer {
    app.metrics.show_vendors(&app.health.standings(Instant::now()), app.health.second_requests());
    let metrics = app.metrics.render(&app.outbox, app.courier.books());
    text(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics)
}
