//! `GET /health`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::api::recordings::serve::Recordings;
use crate::error::ApiResult;
use crate::store::Stores;

/// The bridge and its store of documents answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` while recordings cannot be stored: calls go on, and their recordings wait on the hosts. A store of
    /// documents that does not answer makes this a 503.
    pub status: &'static str,
    pub parts: HealthParts,
    pub version: &'static str,
}

/// What the bridge stands on.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthParts {
    /// `ok`
    pub documents: &'static str,
    /// `ok` or `unavailable`
    pub recordings: &'static str,
}

/// Whether the bridge can work: its store answers, and would take a write.
#[instrument(name = "health", skip_all)]
pub async fn health(stores: Data<Stores>, recordings: Data<Recordings>) -> ApiResult<Json<Health>> {
    stores.check_health().await?;
    let (status, objects) = match recordings.objects.check().await {
        Ok(()) => ("ok", "ok"),
        Err(error) => {
            tracing::debug!(%error, "the object store cannot be used");
            ("degraded", "unavailable")
        }
    };
    let parts = HealthParts { documents: "ok", recordings: objects };
    Ok(Json(Health { status, parts, version: env!("CARGO_PKG_VERSION") }))
}
