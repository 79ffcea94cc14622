//! `GET /api/v1/fleet/status`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;

use super::view::{FleetView, view};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadFleet;
use crate::error::ApiResult;
use crate::store::Stores;

/// Capacity of the deployment, by host.
#[instrument(name = "fleet.status", skip_all)]
pub async fn status(
    _: Allowed<ReadFleet>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<FleetView>> {
    let workers = stores.workers().list_live(clock.now().into()).await?;
    Ok(Json(view(&workers)))
}
