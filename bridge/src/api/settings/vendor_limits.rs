//! `PUT /api/v1/settings/vendor-limits`

use std::ops::RangeInclusive;

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::account;
use vox_shared::clock::Clock;

use super::owner::OwnerQuery;
use super::vendor_rows::VendorLimitRow;
use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Settings, VendorLimit};
use crate::store::{Stamp, Stores};

/// Rows of one document.
const MOST: usize = 64;
/// What each number may be.
const NUMBERS: RangeInclusive<u32> = 1..=1_000_000;

/// All limits that are stated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVendorLimits {
    /// 64 at most. What is not among them is what the vendor publishes, or not limited.
    items: Vec<VendorLimitRow>,
}

/// State what vendors do at once for one key, in the place of all that was stated before; from the next call on.
#[instrument(name = "settings.vendor_limits", skip_all)]
pub async fn vendor_limits(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewVendorLimits>,
) -> ApiResult<Json<DocumentView>> {
    let items = body.0.items;
    let faults = faults(&items);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let limits: Vec<VendorLimit> = items.iter().map(kept).collect();
    let owner = query.0.owner(who.tenant());
    let change = |settings: &mut Settings| settings.vendor_limits.clone_from(&limits);
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}

fn faults(items: &[VendorLimitRow]) -> Vec<FieldError> {
    if items.len() > MOST {
        return vec![FieldError::new("items", format!("at most {MOST}"))];
    }
    let mut faults = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if let Some(fault) = item.service.fault(&item.provider) {
            faults.push(FieldError::new(format!("items.{n}.provider"), fault));
        }
        let same = |other: &VendorLimitRow| {
            other.service == item.service && account(&other.provider) == account(&item.provider)
        };
        if items[..n].iter().any(same) {
            let told = format!("{} is named twice for this service", account(&item.provider));
            faults.push(FieldError::new(format!("items.{n}"), told));
        }
        let numbers = [
            ("streams", item.streams),
            ("requests_per_minute", item.requests_per_minute),
            ("requests_per_call", item.requests_per_call),
        ];
        for (name, number) in numbers {
            if number.is_some_and(|number| !NUMBERS.contains(&number)) {
                let told = format!("must be {} to {}, or null", NUMBERS.start(), NUMBERS.end());
                faults.push(FieldError::new(format!("items.{n}.{name}"), told));
            }
        }
        if item.requests_per_call.is_some() && item.requests_per_minute.is_none() {
            let told = "means nothing without requests_per_minute";
            faults.push(FieldError::new(format!("items.{n}.requests_per_call"), told));
        }
    }
    faults
}

fn kept(row: &VendorLimitRow) -> VendorLimit {
    VendorLimit {
        service: row.service.kept(),
        provider: account(&row.provider).to_owned(),
        streams: row.streams,
        requests_per_minute: row.requests_per_minute,
        requests_per_call: row.requests_per_call,
    }
}
