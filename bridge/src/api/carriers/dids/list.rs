//! `GET /api/v1/carriers/{carrier_id}/dids` and `GET /v1/numbers`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CarrierId;

use super::view::DidPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::{ReadCarriers, ReadNumbers};
use crate::edge::params::{InPath, InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::Stores;

/// The numbers of a carrier, newest first.
#[instrument(name = "dids.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCarriers>,
    carrier: InPath<CarrierId>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<DidPage>> {
    stores.carriers(who.tenant()).get_carrier(&carrier.0).await?;
    let (limit, after) = query.0.page()?;
    Ok(Json(stores.dids(who.tenant()).list_of(&carrier.0, limit, after).await?.into()))
}

/// The numbers of the tenant, newest first.
#[instrument(name = "numbers.list", skip_all)]
pub async fn list_all(
    who: Allowed<ReadNumbers>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<DidPage>> {
    let (limit, after) = query.0.page()?;
    let mut page = stores.dids(who.reach().tenant()).list_dids(limit, after).await?;
    // A key that is limited to bots sees their numbers.
    page.items.retain(|did| match &did.value.bot_id {
        Some(bot) => who.reach().includes(bot.as_str()),
        None => who.reach().bots().is_none(),
    });
    Ok(Json(page.into()))
}
