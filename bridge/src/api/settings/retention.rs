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

/// After how many days what is deleted or cools; nothing does, of what is null or left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRetention {
    /// Calls with their transcripts and recordings are deleted, 1 to 3650.
    #[serde(default)]
    calls_days: Option<u32>,
    /// Recordings alone are deleted, 1 to 3650; not more than `calls_days`.
    #[serde(default)]
    recordings_days: Option<u32>,
    /// Calls are compressed, 1 to 3650; not more than `calls_archive_days`, nor than `calls_days`.
    #[serde(default)]
    calls_warm_days: Option<u32>,
    /// Calls are moved to the object store, 1 to 3650; not more than `calls_days`.
    #[serde(default)]
    calls_archive_days: Option<u32>,
}

impl NewRetention {
    fn faults(&self) -> Vec<FieldError> {
        let all = [
            ("calls_days", self.calls_days),
            ("recordings_days", self.recordings_days),
            ("calls_warm_days", self.calls_warm_days),
            ("calls_archive_days", self.calls_archive_days),
        ];
        let is_bad = |days: &Option<u32>| days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days));
        let message = format!("must be 1 to {MAX_DAYS} days, or null to leave things as they are");
        let bad = all.into_iter().filter(|(_, days)| is_bad(days));
        let mut faults: Vec<_> = bad.map(|(field, _)| FieldError::new(field, message.clone())).collect();
        let [calls, recordings, warm, archive] = all;
        let ordered = [
            (recordings, calls, "a call takes its recording along"),
            (archive, calls, "a call is deleted before it would get there"),
            (warm, archive, "a call is compressed before it is moved"),
            (warm, calls, "a call is deleted before it would be compressed"),
        ];
        for ((field, earlier), (than, later), why) in ordered {
            if earlier.zip(later).is_some_and(|(earlier, later)| earlier > later) {
                faults.push(FieldError::new(field, format!("must not be more than `{than}`: {why}")));
            }
        }
        faults.dedup_by(|one, other| one.path == other.path);
        faults
    }
}

/// Set after how many days the tenant's calls and recordings are deleted, and when calls cool, once a day; those that are there already
/// among them.
#[instrument(name = "settings.retention", skip_all)]
pub async fn retention(
    who: Allowed<ManageSettings>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewRetention>,
) -> ApiResult<Json<DocumentView>> {
    let faults = body.0.faults();
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let NewRetention { calls_days, recordings_days, calls_warm_days, calls_archive_days } = body.0;
    let retention = Retention { calls_days, recordings_days, calls_warm_days, calls_archive_days };
    let change =
        |settings: &mut Settings| settings.retention = Some(retention).filter(|r| *r != Retention::default());
    let owner = Owner::Tenant(who.tenant().clone());
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
