//! `PUT /api/v1/settings/quiet-hours`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::campaign::calendar::{MAX_QUIET, QuietHours};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::{Owner, Settings};
use crate::store::{Stamp, Stores};

/// All quiet hours of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuietHours {
    /// 28 at most; empty: none. By the clock of whoever is called.
    items: Vec<QuietHours>,
}

/// Set the quiet hours, in the place of all that were set before; from the next claim on, for campaigns that run too.
#[instrument(name = "settings.quiet_hours", skip_all)]
pub async fn quiet_hours(
    who: Allowed<ManageSettings>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewQuietHours>,
) -> ApiResult<Json<DocumentView>> {
    let items = body.0.items;
    let mut faults = Vec::new();
    if items.len() > MAX_QUIET {
        faults.push(FieldError::new("items", format!("at most {MAX_QUIET}")));
    }
    for (at, item) in items.iter().enumerate().take(MAX_QUIET) {
        faults.extend(item.faults(&format!("items.{at}")));
    }
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let owner = Owner::Tenant(who.tenant().clone());
    let change = |settings: &mut Settings| settings.quiet_hours.clone_from(&items);
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
