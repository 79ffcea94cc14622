//! `PUT /api/v1/carriers/{carrier_id}/dids/{did_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{CarrierId, DidId};

use super::view::{Assignment, DidView};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// Say who answers a number.
#[instrument(name = "dids.change", skip_all)]
pub async fn change(
    who: Allowed<EditCarriers>,
    trail: Trail,
    ids: InPath<(CarrierId, DidId)>,
    stores: Data<Stores>,
    body: Checked<Assignment>,
) -> ApiResult<Json<DidView>> {
    let InPath((carrier, id)) = ids;
    trail.concerns(id.as_str());
    let dids = stores.dids(who.tenant());
    let mut did = dids.get_did(&carrier, &id).await?;
    body.0.check(&stores, who.tenant()).await?;
    (did.value.bot_id, did.value.label) = (body.0.bot_id, body.0.label);
    Ok(Json(dids.replace_did(did).await?.into()))
}
