//! `GET /api/v1/bots/{bot_id}`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One of the tenant's bots.
#[instrument(name = "bots.read", skip_all, fields(bot.id = %bot.0))]
pub async fn read(who: Allowed<ReadBots>, bot: InPath<BotId>, stores: Data<Stores>) -> ApiResult<WithTag> {
    Ok(tagged(StatusCode::OK, stores.bots(who.reach()).get_bot(&bot.0).await?))
}
