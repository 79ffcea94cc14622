//! `POST /api/v1/carriers/{carrier_id}/sync`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::CarrierId;

use super::view::CarrierView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::livekit::trunks::{SyncError, TrunkDesk};
use crate::store::{Stamp, Stores};

/// Make a carrier known to LiveKit now, whatever LiveKit has of it. Answers how it stands then, also when LiveKit does not take it.
#[instrument(name = "carriers.sync", skip_all)]
pub async fn sync(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<CarrierId>,
    (stores, clock): (Data<Stores>, Data<Clock>),
    trunks: Data<TrunkDesk>,
) -> ApiResult<Json<CarrierView>> {
    trail.concerns(id.0.as_str());
    let carriers = stores.carriers(who.tenant());
    carriers.get_carrier(&id.0).await?;
    let trunk = Box::pin(trunks.sync(who.tenant(), &id.0)).await?;
    let carrier = carriers.get_carrier(&id.0).await?;
    Ok(Json(CarrierView::new(carrier, trunk, Stamp(clock.now()))))
}

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        let told = error.to_string();
        match error {
            SyncError::NotConfigured(error) => error.into(),
            SyncError::UnderWay => Self::conflict(
                "sync_under_way",
                "the carrier is being made known to LiveKit just now; ask again in a moment",
            ),
            SyncError::TooLong => Self::new(StatusCode::GATEWAY_TIMEOUT, "livekit_too_slow", told),
            SyncError::Coordination(error) => {
                tracing::error!(%error, "a carrier cannot be taken in hand");
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, "coordination_unavailable", 1)
            }
            SyncError::Store(error) => error.into(),
            SyncError::NotRemoved(_) => Self::new(StatusCode::BAD_GATEWAY, "livekit_failed", told),
        }
    }
}
