//! `GET /health`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiResult;

/// The bridge and its store answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`; a store that does not answer makes this a 503.
    pub status: &'static str,
    pub version: &'static str,
}

/// Whether the bridge can work: its store answers, and would take a write.
#[instrument(name = "health", skip_all)]
pub async fn health(State(app): State<App>) -> ApiResult<Json<Health>> {
    app.stores.check_health().await?;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
