//! `GET /api/v1/integrations/exotel`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::view::AccountView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCarriers;
use crate::error::ApiResult;
use crate::store::Stores;

/// The tenant's account.
#[instrument(name = "exotel.read", skip_all)]
pub async fn read(who: Allowed<ReadCarriers>, stores: Data<Stores>) -> ApiResult<Json<AccountView>> {
    Ok(Json(stores.exotel(who.tenant()).get_account().await?.into()))
}
