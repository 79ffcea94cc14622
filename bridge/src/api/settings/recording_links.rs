//! `PUT /api/v1/settings/recording-links`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::owner::OwnerQuery;
use super::view::DocumentView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::edge::body::Checked;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::settings::Settings;
use crate::store::{Stamp, Stores};

/// Longest life of a link that ends, days.
const MAX_DAYS: u32 = 3650;

/// How long links to recordings are good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLife {
    /// Days after which a link ends, 1 to 3650; null: until it is revoked.
    expires_after_days: Option<u32>,
}

/// Set after how many days links to recordings end, those that were made before among them.
#[instrument(name = "settings.recording_links", skip_all)]
pub async fn recording_links(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewLife>,
) -> ApiResult<Json<DocumentView>> {
    let days = body.0.expires_after_days;
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        let message = format!("must be 1 to {MAX_DAYS} days, or null for links that do not end");
        return Err(ApiError::invalid(vec![FieldError::new("expires_after_days", message)]));
    }
    let owner = query.0.owner(who.tenant());
    let change = |settings: &mut Settings| settings.recording_link_days = days;
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
