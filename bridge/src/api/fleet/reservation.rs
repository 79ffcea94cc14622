//! `GET /api/v1/fleet/reservations/{reservation_id}`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::ReservationId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadFleet;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;
use crate::store::{Stamp, StoreError};

/// A reservation, and why it is where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationView {
    pub reservation_id: String,
    /// `open`, `confirmed` (the worker has the call), `released` or `expired`.
    pub status: String,
    /// What for: `api` or `dialout`.
    pub purpose: String,
    pub host: String,
    pub worker_id: Option<String>,
    pub address: String,
    pub made_at: String,
    pub expires_at: String,
    pub ended_at: Option<String>,
    /// The hosts as they were seen then, the one with the most free slots first; 50 at most.
    pub candidates: Vec<CandidateView>,
}

/// A host that could have been chosen, or why not.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateView {
    pub host: String,
    /// `ok`, `draining` or `unhealthy`.
    pub status: String,
    pub free: u32,
}

/// A reservation of the last seven days.
#[instrument(name = "fleet.reservation", skip_all)]
pub async fn reservation(
    _: Allowed<ReadFleet>,
    id: InPath<ReservationId>,
    fleet: Data<Fleet>,
) -> ApiResult<Json<ReservationView>> {
    let found = fleet.stores.reservations().find(&id.0).await?.ok_or(StoreError::NotFound)?.value;
    let is_over = found.expires_at <= Stamp(fleet.clock.now());
    let status = found.ended_as.unwrap_or_else(|| if is_over { "expired" } else { "open" }.to_owned());
    let candidates = found.candidates.into_iter();
    Ok(Json(ReservationView {
        reservation_id: id.0.to_string(),
        status,
        purpose: found.purpose,
        host: found.host,
        worker_id: found.worker_id.map(|id| id.to_string()),
        address: found.address,
        made_at: found.made_at.to_string(),
        expires_at: found.expires_at.to_string(),
        ended_at: found.ended_at.map(|at| at.to_string()),
        candidates: candidates
            .map(|c| CandidateView { host: c.host, status: c.status, free: c.free })
            .collect(),
    }))
}
