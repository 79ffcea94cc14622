//! `GET /api/v1/settings`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::fleet::polled;
use super::view::SettingsView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;
use crate::livekit::LiveKit;
use crate::store::Stores;
use crate::store::settings::Owner;

/// The settings of the own tenant and of the deployment, keys masked.
#[instrument(name = "settings.read", skip_all)]
pub async fn read(
    who: Allowed<ManageSettings>,
    stores: Data<Stores>,
    fleet: Data<Fleet>,
    livekit: Data<LiveKit>,
) -> ApiResult<Json<SettingsView>> {
    let settings = stores.settings();
    let tenant = settings.get(&Owner::Tenant(who.tenant().clone())).await?;
    let deployment = settings.get(&Owner::Deployment).await?;
    let fleet = polled(&fleet).await?;
    let livekit = livekit.server().ok().map(|server| (&server.settings).into());
    Ok(Json(SettingsView { tenant: (&tenant).into(), deployment: (&deployment).into(), fleet, livekit }))
}
