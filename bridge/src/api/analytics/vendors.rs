//! `GET /api/v1/analytics/vendors`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;
use vox_shared::wire::answers::Service;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::error::{ApiResult, with_source};
use crate::store::latencies::{Latencies, Latency};
use crate::store::{StoreError, Stores};
use crate::vendors::targets::measured::{Measured, Shown};
use crate::vendors::targets::watch::{Targets, state_of};
use crate::vendors::targets::{Target, Verdict};

/// How fast vendors answered in the last 24 hours, and how they stand to their targets.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorLatencies {
    /// RFC 3339, UTC; null before they were made for the first time.
    pub as_of: Option<String>,
    pub items: Vec<Latency>,
    /// What workers saw in the last half hour of those vendors that calls asked; empty while the store of workers cannot be read, or
    /// the bridge that answers has not looked yet which vendors the tenant's bots name.
    pub lately: Vec<VendorLately>,
}

/// One vendor of one service: what was measured, beside what is expected.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorLately {
    /// `stt`, `llm` or `tts`.
    pub kind: &'static str,
    pub provider: String,
    /// Of the last half hour. Null where other tenants use the account too: its key is the deployment's, or there is none.
    pub answered: Option<u64>,
    /// As `answered`.
    pub failed: Option<u64>,
    /// Null with fewer than 20 of both.
    pub availability_percent: Option<f64>,
    /// Null: nothing is expected.
    pub target_availability_percent: Option<f64>,
    /// Answers that were timed; null as `answered`.
    pub samples: Option<u64>,
    /// Milliseconds; null with fewer than 20 samples.
    pub p95_ms: Option<f64>,
    pub target_p95_ms: Option<u32>,
    /// `missed` once it was for two minutes, and until it was met for as long.
    pub state: Verdict,
    /// RFC 3339, UTC, of one that is missed.
    pub missed_since: Option<String>,
}

/// What routing goes by, and the targets. A key that is limited to certain bots sees none: they are of all calls.
#[instrument(name = "analytics.vendors", skip_all)]
pub async fn vendors(
    who: Allowed<ReadCalls>,
    stores: Data<Stores>,
    targets: Data<Targets>,
) -> ApiResult<Json<VendorLatencies>> {
    if who.reach().bots().is_some() {
        return Ok(Json(VendorLatencies { as_of: None, items: Vec::new(), lately: Vec::new() }));
    }
    let tenant = who.reach().tenant();
    let known = stores.latencies(tenant).find().await?.map(|known| known.value);
    let lately = lately(&targets, tenant, known.as_ref()).await.unwrap_or_else(|error| {
        tracing::warn!(error = with_source(&error), "it is not known how vendors did lately");
        Vec::new()
    });
    let as_of = known.as_ref().map(|known| known.as_of.to_string());
    Ok(Json(VendorLatencies { as_of, items: known.map(|known| known.rows).unwrap_or_default(), lately }))
}

async fn lately(
    targets: &Targets,
    tenant: &TenantId,
    known: Option<&Latencies>,
) -> Result<Vec<VendorLately>, StoreError> {
    let measured = targets.measured(tenant, &targets.standings().await?);
    let set = targets.stores.settings().vendor_targets(tenant).await?;
    let row = |((service, provider), of): (&(Service, String), &Measured)| {
        let target = Target::of(*service, provider, &set);
        let state = known.and_then(|known| state_of(known, (*service, provider)));
        let missed = state.filter(|state| state.missed);
        let seen = match target.judge(of, false) {
            // Not for long enough.
            Verdict::Missed => Verdict::Met,
            seen => seen,
        };
        let Shown { availability_percent, p95_ms, counts } = of.shown();
        VendorLately {
            kind: service.as_str(),
            provider: provider.clone(),
            answered: counts.map(|counts| counts.answered),
            failed: counts.map(|counts| counts.failed),
            availability_percent,
            target_availability_percent: target.availability_percent,
            samples: counts.map(|counts| counts.samples),
            p95_ms,
            target_p95_ms: target.p95_ms,
            state: if missed.is_some() { Verdict::Missed } else { seen },
            missed_since: missed.map(|state| state.since.to_string()),
        }
    };
    Ok(measured.iter().map(row).collect())
}
