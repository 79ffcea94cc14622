//! `DELETE /api/v1/carriers/{carrier_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::CarrierId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::livekit::trunks::TrunkDesk;
use crate::store::Stores;

/// Delete a carrier that has no numbers any more.
#[instrument(name = "carriers.delete", skip_all)]
pub async fn delete(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<CarrierId>,
    stores: Data<Stores>,
    trunks: Data<TrunkDesk>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    let carriers = stores.carriers(who.tenant());
    let (mut carrier, dids) = (carriers.get_carrier(&id.0).await?, stores.dids(who.tenant()));
    if dids.has_numbers(&id.0).await? {
        return Err(has_numbers());
    }
    // Whoever adds a number looks afterwards whether the carrier closes; so either sees the other.
    carrier.value.closing = true;
    let mut carrier = carriers.replace_carrier(carrier).await?;
    if dids.has_numbers(&id.0).await? {
        carrier.value.closing = false;
        carriers.replace_carrier(carrier).await?;
        return Err(has_numbers());
    }
    // It stays, and takes no number, when LiveKit cannot be asked to let go of it.
    trunks.remove(who.tenant(), &id.0).await?;
    carriers.delete_carrier(&carrier).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// It would leave numbers behind.
pub fn has_numbers() -> ApiError {
    ApiError::conflict("carrier_has_numbers", "the carrier has numbers; delete them first")
}
