//! `GET /health`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::api::recordings::serve::Recordings;
use crate::coordination::Coordination;
use crate::error::ApiResult;
use crate::store::Stores;

/// The bridge and its store of documents answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` while recordings cannot be stored (calls go on, and their recordings wait on the hosts), or while other
    /// bridges cannot be reached. A store of documents that does not answer makes this a 503.
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
    /// `ok` or `unavailable`
    pub coordination: &'static str,
}

/// Whether the bridge can work: its store answers, and would take a write.
#[instrument(name = "health", skip_all)]
pub async fn health(
    stores: Data<Stores>,
    recordings: Data<Recordings>,
    coordination: Data<dyn Coordination>,
) -> ApiResult<Json<Health>> {
    stores.check_health().await?;
    let recordings = state("recordings", recordings.archive.objects.check().await);
    let coordination = state("coordination", coordination.check().await);
    let status = if [recordings, coordination] == [OK, OK] { OK } else { "degraded" };
    let parts = HealthParts { documents: OK, recordings, coordination };
    Ok(Json(Health { status, parts, version: env!("CARGO_PKG_VERSION") }))
}

const OK: &str = "ok";

fn state(part: &'static str, checked: Result<(), impl std::error::Error>) -> &'static str {
    match checked {
        Ok(()) => OK,
        Err(error) => {
            tracing::debug!(part, %error, "it cannot be used");
            "unavailable"
        }
    }
}
