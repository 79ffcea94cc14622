//! `GET /api/v1/bots/{bot_id}/crm`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::CrmView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// The CRM of one of the tenant's bots.
#[instrument(name = "bots.crm.read", skip_all, fields(bot.id = %bot.0))]
pub async fn read(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    stores: Data<Stores>,
) -> ApiResult<Json<CrmView>> {
    stores.bots(who.reach()).get_bot(&bot.0).await?;
    Ok(Json(stores.crm(who.reach().tenant()).get_integration(&bot.0).await?.into()))
}
