//! `DELETE /api/v1/integrations/exotel/dids/{did_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::DidId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// Take a number away from the account.
#[instrument(name = "exotel.dids.remove", skip_all)]
pub async fn remove(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<DidId>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    let account = stores.exotel(who.tenant()).get_account().await?.value;
    let dids = stores.dids(who.tenant());
    let did = dids.get_did(&account.carrier_id, &id.0).await?;
    dids.delete_did(&did).await?;
    Ok(HttpResponse::NoContent().finish())
}
