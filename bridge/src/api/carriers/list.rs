//! `GET /api/v1/carriers`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;

use super::view::CarrierPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCarriers;
use crate::edge::params::{InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::{Stamp, Stores};

/// The tenant's carriers, newest first.
#[instrument(name = "carriers.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCarriers>,
    query: InQuery<PageQuery>,
    (stores, clock): (Data<Stores>, Data<Clock>),
) -> ApiResult<Json<CarrierPage>> {
    let (limit, after) = query.0.page()?;
    let listed = stores.carriers(who.tenant()).list_carriers(limit, after).await?;
    let trunks = stores.trunks(who.tenant()).list_all().await?;
    Ok(Json(CarrierPage::new(listed, trunks, Stamp(clock.now()))))
}
