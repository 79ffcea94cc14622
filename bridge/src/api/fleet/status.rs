//! `GET /api/v1/fleet/status`

use axum::Json;
use axum::extract::State;
use tracing::instrument;

use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadFleet;
use crate::error::ApiResult;
use crate::fleet::{FleetView, view};

/// Capacity of the deployment, by host.
#[instrument(name = "fleet.status", skip_all)]
pub async fn status(_: Allowed<ReadFleet>, State(app): State<App>) -> ApiResult<Json<FleetView>> {
    let workers = app.stores.workers().list_live(app.clock.now().into()).await?;
    Ok(Json(view(&workers)))
}
