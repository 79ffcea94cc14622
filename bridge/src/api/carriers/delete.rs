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
use crate::store::Stores;

/// Delete a carrier that has no numbers any more.
#[instrument(name = "carriers.delete", skip_all)]
pub async fn delete(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<CarrierId>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    let carriers = stores.carriers(who.tenant());
    let carrier = carriers.get_carrier(&id.0).await?;
    if !stores.dids(who.tenant()).list_of(&id.0, 1, None).await?.items.is_empty() {
        return Err(ApiError::conflict("carrier_has_numbers", "the carrier has numbers; delete them first"));
    }
    carriers.delete_carrier(&carrier).await?;
    Ok(HttpResponse::NoContent().finish())
}
