//! `POST /api/v1/fleet/workers`

use actix_web::web::{Data, Json};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::wire::fleet::{WorkerLease, WorkerReport};

use crate::auth::internal::Internal;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::Stores;
use crate::store::workers::Registration;

/// Life of a registration that is not renewed, seconds.
const TTL_SECONDS: u32 = 15;
/// Longest host, address or build text, bytes.
const MAX_TEXT: usize = 256;

/// Register a worker, or renew its registration.
#[instrument(name = "fleet.register", skip_all, fields(worker.id = %body.0.worker_id))]
pub async fn register(
    _: Internal,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<WorkerReport>,
) -> ApiResult<Json<WorkerLease>> {
    let report = body.0;
    let faults = faults(&report);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let expires_at = clock.now().saturating_add(SignedDuration::from_secs(TTL_SECONDS.into()));
    let expires_at = expires_at.unwrap_or(Timestamp::MAX).into();
    stores.workers().register(Registration { report, expires_at }).await?;
    Ok(Json(WorkerLease { ttl_seconds: TTL_SECONDS }))
}

fn faults(report: &WorkerReport) -> Vec<FieldError> {
    let mut faults = Vec::new();
    // The bridge opens this address with the secret: it must be nothing but a host and a port.
    let bare = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    };
    if !Url::parse(&report.address).is_ok_and(|url| bare(&url)) {
        faults.push(FieldError::new("address", "must be http://HOST:PORT"));
    }
    for (path, text) in [("host", &report.host), ("address", &report.address), ("build", &report.build)] {
        if text.len() > MAX_TEXT {
            faults.push(FieldError::new(path, format!("at most {MAX_TEXT} bytes")));
        }
    }
    if report.calls > report.slots {
        faults.push(FieldError::new("calls", "more calls than slots"));
    }
    faults
}
