//! `GET /health`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::error::ApiResult;
use crate::store::Stores;

/// The bridge and its store answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`; a store that does not answer makes this a 503.
    pub status: &'static str,
    pub version: &'static str,
}

/// Whether the bridge can work: its store answers, and would take a write.
#[instrument(name = "health", skip_all)]
pub async fn health(stores: Data<Stores>) -> ApiResult<Json<Health>> {
    stores.check_health().await?;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
