//! `GET /api/v1/settings/display`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadDisplaySettings;
use crate::error::ApiResult;
use crate::store::Stores;
use crate::store::settings::Owner;

/// Where neither the tenant nor the deployment says anything.
const DEFAULT_TIMEZONE: &str = "UTC";

/// How things are shown to the tenant's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisplayView {
    /// IANA name: the tenant's, else the deployment's, else `UTC`.
    pub display_timezone: String,
}

/// What every user's console needs to show times.
#[instrument(name = "settings.display", skip_all)]
pub async fn display(
    who: Allowed<ReadDisplaySettings>,
    stores: Data<Stores>,
) -> ApiResult<Json<DisplayView>> {
    let settings = stores.settings();
    let mut zone = settings.get(&Owner::Tenant(who.tenant().clone())).await?.display_timezone;
    if zone.is_none() {
        zone = settings.get(&Owner::Deployment).await?.display_timezone;
    }
    Ok(Json(DisplayView { display_timezone: zone.unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned()) }))
}
