//! `GET /api/v1/integrations/exotel/dids`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::view::ExotelDidPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCarriers;
use crate::edge::params::{InQuery, PageQuery};
use crate::error::ApiResult;
use crate::exotel::Exotel;

/// The numbers of the account, newest first.
#[instrument(name = "exotel.dids.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCarriers>,
    query: InQuery<PageQuery>,
    exotel: Data<Exotel>,
) -> ApiResult<Json<ExotelDidPage>> {
    let account = exotel.stores.exotel(who.tenant()).get_account().await?;
    let (limit, after) = query.0.page()?;
    let listed = exotel.stores.dids(who.tenant()).list_of(&account.value.carrier_id, limit, after).await?;
    Ok(Json(ExotelDidPage::of(&exotel, listed)))
}
