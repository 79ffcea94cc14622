//! The worker's HTTP surface. One file an endpoint.

pub mod address;
pub mod exotel;
pub mod fleet;
pub mod health;
pub mod line;
pub mod metrics;
pub mod recordings;
pub mod talk;
pub mod ws;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;

/// Every route of the worker.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/ws/{bot_id}", get(ws::call))
        .route("/exotel/{bot_id}", get(exotel::call))
        .route("/talk/{bot_id}", get(talk::call))
        .route("/health", get(health::show))
        .route("/health/fleet", get(fleet::show))
        .route("/metrics", get(metrics::show))
        .route("/recordings/{key}", get(recordings::fetch))
        .with_state(app)
}
