//! `DELETE /api/v1/bots/{bot_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;
use crate::store::Stores;

/// Delete a bot. Its calls stay, and running ones end normally.
#[instrument(name = "bots.delete", skip_all, fields(bot.id = %bot.0))]
pub async fn delete(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    stores: Data<Stores>,
    expected: IfMatch,
) -> ApiResult<HttpResponse> {
    let bots = stores.bots(who.reach());
    let version = match expected.0 {
        Some(version) => version,
        None => bots.get_bot(&bot.0).await?.version,
    };
    bots.delete_bot(&bot.0, version).await?;
    Ok(HttpResponse::NoContent().finish())
}
