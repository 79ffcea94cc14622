//! `PUT /api/v1/settings/timezone`

use actix_web::web::{Data, Json};
use jiff::tz::TimeZone;
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
use crate::store::{Stamp, Stores};

/// The time zone that times are shown in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimezone {
    /// IANA name; null takes it away.
    display_timezone: Option<String>,
}

/// Set the time zone that times are shown in.
#[instrument(name = "settings.timezone", skip_all)]
pub async fn timezone(
    who: Allowed<ManageSettings>,
    query: InQuery<OwnerQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<NewTimezone>,
) -> ApiResult<Json<DocumentView>> {
    let zone = body.0.display_timezone;
    if zone.as_deref().is_some_and(|name| TimeZone::get(name).is_err()) {
        let message = "must be an IANA time zone, like Asia/Kolkata, or null";
        return Err(ApiError::invalid(vec![FieldError::new("display_timezone", message)]));
    }
    let owner = query.0.owner(who.tenant());
    let change = |settings: &mut crate::store::settings::Settings| settings.display_timezone = zone.clone();
    let changed = stores.settings().change(&owner, Stamp(clock.now()), change).await?;
    Ok(Json((&changed).into()))
}
