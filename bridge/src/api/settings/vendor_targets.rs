//! `PUT /api/v1/settings/vendor-targets`

use std::ops::RangeInclusive;

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::owner::OwnerQuery;
use super::vendor_rows::VendorTargetRow;
use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Settings, VendorTarget};
use crate::store::{Stamp, Stores};

/// Rows of one document.
const MOST: usize = 64;
/// What may be expected.
const PERCENT: RangeInclusive<f64> = 50.0..=100.0;
const P95_MS: RangeInclusive<u32> = 50..=10_000;

/// All targets that are set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVendorTargets {
    /// 64 at most. Of vendors that are not among them the usual is expected: 99 of a hundred, and 1000 ms of recognisers and voices, 2000 of
    /// models.
    items: Vec<VendorTargetRow>,
}

/// Set what is expected of vendors, in the place of all that was set before.
#[instrument(name = "settings.vendor_targets", skip_all)]
pub async fn vendor_targets(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewVendorTargets>,
) -> ApiResult<Json<DocumentView>> {
    let items = body.0.items;
    let faults = faults(&items);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let targets: Vec<VendorTarget> = items.iter().map(kept).collect();
    let owner = query.0.owner(who.tenant());
    let change = |settings: &mut Settings| settings.vendor_targets.clone_from(&targets);
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}

fn faults(items: &[VendorTargetRow]) -> Vec<FieldError> {
    if items.len() > MOST {
        return vec![FieldError::new("items", format!("at most {MOST}"))];
    }
    let mut faults = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if let Some(fault) = item.provider.as_deref().and_then(|provider| item.service.fault(provider)) {
            faults.push(FieldError::new(format!("items.{n}.provider"), fault));
        }
        if items[..n].iter().any(|other| (other.service, &other.provider) == (item.service, &item.provider)) {
            faults.push(FieldError::new(format!("items.{n}"), "is named twice"));
        }
        if item.availability_percent.is_some_and(|percent| !PERCENT.contains(&percent)) {
            let told = format!("must be {} to {}, or null", PERCENT.start(), PERCENT.end());
            faults.push(FieldError::new(format!("items.{n}.availability_percent"), told));
        }
        if item.p95_ms.is_some_and(|ms| !P95_MS.contains(&ms)) {
            let told = format!("must be {} to {}, or null", P95_MS.start(), P95_MS.end());
            faults.push(FieldError::new(format!("items.{n}.p95_ms"), told));
        }
    }
    faults
}

fn kept(row: &VendorTargetRow) -> VendorTarget {
    VendorTarget {
        service: row.service.kept(),
        provider: row.provider.clone(),
        availability_percent: row.availability_percent,
        p95_ms: row.p95_ms,
    }
}
