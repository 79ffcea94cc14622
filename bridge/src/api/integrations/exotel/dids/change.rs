//! `PUT /api/v1/integrations/exotel/dids/{did_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::DidId;

use super::view::{ExotelAssignment, ExotelDidView};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::exotel::Exotel;

/// Say who answers a number.
#[instrument(name = "exotel.dids.change", skip_all)]
pub async fn change(
    who: Allowed<EditCarriers>,
    trail: Trail,
    id: InPath<DidId>,
    exotel: Data<Exotel>,
    body: Checked<ExotelAssignment>,
) -> ApiResult<Json<ExotelDidView>> {
    trail.concerns(id.0.as_str());
    let account = exotel.stores.exotel(who.tenant()).get_account().await?.value;
    let dids = exotel.stores.dids(who.tenant());
    let mut did = dids.get_did(&account.carrier_id, &id.0).await?;
    body.0.check(&exotel, who.tenant()).await?;
    let ExotelAssignment { bot_id, label, flow_url } = body.0;
    (did.value.bot_id, did.value.label, did.value.flow_url) = (bot_id, label, flow_url);
    Ok(Json(ExotelDidView::of(&exotel, dids.replace_did(did).await?)))
}
