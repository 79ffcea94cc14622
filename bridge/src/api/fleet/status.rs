//! `GET /api/v1/fleet/status`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::view::{FleetView, view};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadFleet;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;

/// Capacity of the deployment, by host.
#[instrument(name = "fleet.status", skip_all)]
pub async fn status(_: Allowed<ReadFleet>, fleet: Data<Fleet>) -> ApiResult<Json<FleetView>> {
    Ok(Json(view(&fleet.look().await?)))
}
