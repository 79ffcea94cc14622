//! `DELETE /api/v1/bots/{bot_id}/crm`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// Take a bot's CRM away. What waits to be pushed is not pushed.
#[instrument(name = "bots.crm.remove", skip_all, fields(bot.id = %bot.0))]
pub async fn remove(
    who: Allowed<EditBots>,
    trail: Trail,
    bot: InPath<BotId>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    trail.concerns(bot.0.as_str());
    stores.bots(who.reach()).get_bot(&bot.0).await?;
    let integrations = stores.crm(who.reach().tenant());
    integrations.delete_integration(&integrations.get_integration(&bot.0).await?).await?;
    Ok(HttpResponse::NoContent().finish())
}
