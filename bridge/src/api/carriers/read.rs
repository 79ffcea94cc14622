//! `GET /api/v1/carriers/{carrier_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::CarrierId;

use super::view::{CarrierView, shown};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCarriers;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::{Stamp, Stores};

/// One of the tenant's carriers.
#[instrument(name = "carriers.read", skip_all)]
pub async fn read(
    who: Allowed<ReadCarriers>,
    id: InPath<CarrierId>,
    (stores, clock): (Data<Stores>, Data<Clock>),
) -> ApiResult<Json<CarrierView>> {
    let carrier = stores.carriers(who.tenant()).get_carrier(&id.0).await?;
    Ok(Json(shown(&stores, carrier, Stamp(clock.now())).await?))
}
