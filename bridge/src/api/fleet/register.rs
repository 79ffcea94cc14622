//! `POST /api/v1/fleet/workers`

use actix_web::web::{Data, Json};
use jiff::{SignedDuration, Timestamp};
use tracing::instrument;
use vox_shared::wire::fleet::{WorkerLease, WorkerReport};
use vox_shared::wire::permit::{MAX_PERMIT_NAME, MAX_PERMITS};

use crate::auth::internal::Internal;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::fleet::address::{NAME_RULE, RULE, is_bare, is_name};
use crate::fleet::reserve::Fleet;
use crate::vendors::checks::Checks;
use crate::vendors::permits::Permits;

/// Life of a registration that is not renewed, seconds.
const TTL_SECONDS: u32 = 15;
/// Longest address or build text, bytes.
const MAX_TEXT: usize = 256;
/// Rows about vendors, and the longest name, model or address in one, bytes.
const MAX_VENDORS: usize = 64;
const MAX_NAME: usize = 512;

/// Register a worker, or renew its registration.
#[instrument(name = "fleet.register", skip_all, fields(worker.id = %body.0.worker_id))]
pub async fn register(
    _: Internal,
    fleet: Data<Fleet>,
    checks: Data<Checks>,
    permits: Data<Permits>,
    body: Checked<WorkerReport>,
) -> ApiResult<Json<WorkerLease>> {
    let report = body.0;
    let faults = faults(&report);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let now = fleet.clock.now();
    let expires_at = now.saturating_add(SignedDuration::from_secs(TTL_SECONDS.into()));
    let expires_at = expires_at.unwrap_or(Timestamp::MAX);
    let kept = fleet.stores.workers().register(&report, (now.into(), expires_at.into())).await?;
    checks.told(&report, (now, expires_at));
    permits.told(&report).await;
    fleet.confirmed(kept).await;
    Ok(Json(WorkerLease { ttl_seconds: TTL_SECONDS }))
}

fn faults(report: &WorkerReport) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if !is_name(&report.host) {
        faults.push(FieldError::new("host", NAME_RULE));
    }
    if !is_bare(&report.address) {
        faults.push(FieldError::new("address", RULE));
    }
    for (path, text) in [("address", &report.address), ("build", &report.build)] {
        if text.len() > MAX_TEXT {
            faults.push(FieldError::new(path, format!("at most {MAX_TEXT} bytes")));
        }
    }
    if report.vendors.len() > MAX_VENDORS {
        faults.push(FieldError::new("vendors", format!("at most {MAX_VENDORS}")));
    }
    for (place, vendor) in report.vendors.iter().take(MAX_VENDORS).enumerate() {
        let base_url = vendor.base_url.as_deref().unwrap_or_default();
        if [&vendor.provider, &vendor.model, &vendor.key, base_url].iter().any(|text| text.len() > MAX_NAME) {
            let path = format!("vendors.{place}");
            faults.push(FieldError::new(&path, format!("texts of at most {MAX_NAME} bytes")));
        }
    }
    if report.permits.len() > MAX_PERMITS || report.permits.iter().any(|name| name.len() > MAX_PERMIT_NAME) {
        let told = format!("at most {MAX_PERMITS} names of {MAX_PERMIT_NAME} bytes");
        faults.push(FieldError::new("permits", told));
    }
    if report.calls > report.slots {
        faults.push(FieldError::new("calls", "more calls than slots"));
    }
    faults
}
