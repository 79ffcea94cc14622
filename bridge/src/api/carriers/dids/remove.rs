//! `DELETE /api/v1/carriers/{carrier_id}/dids/{did_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::{CarrierId, DidId};

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::livekit::trunks::TrunkDesk;
use crate::store::Stores;

/// Take a number away from a carrier.
#[instrument(name = "dids.remove", skip_all)]
pub async fn remove(
    who: Allowed<EditCarriers>,
    trail: Trail,
    ids: InPath<(CarrierId, DidId)>,
    stores: Data<Stores>,
    trunks: Data<TrunkDesk>,
) -> ApiResult<HttpResponse> {
    let InPath((carrier, id)) = ids;
    trail.concerns(id.as_str());
    let dids = stores.dids(who.tenant());
    let did = dids.get_did(&carrier, &id).await?;
    dids.delete_did(&did).await?;
    trunks.changed(who.tenant(), &carrier).await;
    Ok(HttpResponse::NoContent().finish())
}
