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

/// Whether the bridge can work: it asks its store.
#[instrument(name = "health", skip_all)]
pub async fn health(State(app): State<App>) -> ApiResult<Json<Health>> {
    app.stores.workers().list_live(app.clock.now().into()).await?;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
