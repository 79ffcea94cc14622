//! `PUT /api/v1/settings/retention`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Owner, Retention, Settings};
use crate::store::{Stamp, Stores};

/// Longest time that can be asked for, days: ten years.
const MAX_DAYS: u32 = 3_650;

/// After how many days what is deleted; nothing is, of what is null or left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRetention {
    /// Calls with their transcripts and recordings, 1 to 3650.
    #[serde(default)]
    calls_days: Option<u32>,
    /// Recordings alone, 1 to 3650; not more than `calls_days`.
    #[serde(default)]
    recordings_days: Option<u32>,
}

/// Set after how many days the tenant's calls and recordings are deleted, once a day; those that are there already among them.
#[instrument(name = "settings.retention", skip_all)]
pub async fn retention(
    who: Allowed<ManageSettings>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewRetention>,
) -> ApiResult<Json<DocumentView>> {
    let NewRetention { calls_days, recordings_days } = body.0;
    let mut faults = Vec::new();
    for (field, days) in [("calls_days", calls_days), ("recordings_days", recordings_days)] {
        if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
            faults.push(FieldError::new(
                field,
                format!("must be 1 to {MAX_DAYS} days, or null to delete nothing"),
            ));
        }
    }
    if calls_days.zip(recordings_days).is_some_and(|(calls, recordings)| recordings > calls) {
        faults.push(FieldError::new(
            "recordings_days",
            "must not be more than `calls_days`: a call takes its recording along",
        ));
    }
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let retention = Retention { calls_days, recordings_days };
    let is_off = calls_days.is_none() && recordings_days.is_none();
    let change = |settings: &mut Settings| settings.retention = (!is_off).then_some(retention);
    let owner = Owner::Tenant(who.tenant().clone());
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
