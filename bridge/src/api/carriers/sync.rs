//! `POST /api/v1/carriers/{carrier_id}/sync`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::CarrierId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// Make a carrier known to LiveKit. There is none yet, so its state stays `pending`.
#[instrument(name = "carriers.sync", skip_all)]
pub async fn sync(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<CarrierId>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    stores.carriers(who.tenant()).get_carrier(&id.0).await?;
    let detail = "this bridge does not speak to LiveKit yet: carriers are kept, and stay pending";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "livekit_not_configured", detail))
}
