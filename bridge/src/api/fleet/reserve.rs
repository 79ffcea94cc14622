//! `POST /api/v1/fleet/reservations`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use crate::auth::internal::Internal;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::fleet::reserve::{Fleet, ReserveError, Reserved, Wanted};

/// Longest and shortest time that a slot is kept, seconds.
const TTL_SECONDS: std::ops::RangeInclusive<u32> = 1..=300;
/// A minute to place the call, and some more to hear of it.
const DEFAULT_TTL_SECONDS: u32 = 90;

/// How long the slot is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationRequest {
    /// Seconds, 1 to 300; 90 by default.
    #[serde(default)]
    pub ttl_seconds: Option<u32>,
}

/// A slot that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservedView {
    pub reservation_id: String,
    pub worker: ReservedWorker,
    /// RFC 3339, UTC.
    pub expires_at: String,
}

/// Where the slot is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservedWorker {
    /// Null on a host that is polled: its own balancer finds the worker.
    pub id: Option<String>,
    pub host: String,
    /// What the call is to be posted to.
    pub address: String,
}

/// Keep a slot for a call that is about to be placed.
#[instrument(name = "fleet.reserve", skip_all)]
pub async fn reserve(
    _: Internal,
    fleet: Data<Fleet>,
    body: Checked<ReservationRequest>,
) -> ApiResult<(Json<ReservedView>, StatusCode)> {
    let seconds = body.0.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
    if !TTL_SECONDS.contains(&seconds) {
        let message = format!("must be {} to {}", TTL_SECONDS.start(), TTL_SECONDS.end());
        return Err(ApiError::invalid(vec![FieldError::new("ttl_seconds", message)]));
    }
    let ttl = SignedDuration::from_secs(seconds.into());
    let Reserved { id, reservation } =
        fleet.reserve(&Wanted { purpose: "api", ttl, spared: Vec::new() }).await?;
    let worker = ReservedWorker {
        id: reservation.worker_id.map(|id| id.to_string()),
        host: reservation.host,
        address: reservation.address,
    };
    let expires_at = reservation.expires_at.to_string();
    Ok((Json(ReservedView { reservation_id: id.to_string(), worker, expires_at }), StatusCode::CREATED))
}

impl From<ReserveError> for ApiError {
    fn from(error: ReserveError) -> Self {
        let code = match error {
            ReserveError::NoneFree => "no_fleet",
            ReserveError::Busy => return Self::busy(StatusCode::SERVICE_UNAVAILABLE, "busy", 1),
            ReserveError::Store(error) => return error.into(),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string())
    }
}
