//! `GET /api/v1/bots/{bot_id}/draft`

use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::{DraftWithTag, draft_of};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// A bot's draft.
#[instrument(name = "bots.draft.read", skip_all, fields(bot.id = %bot.0))]
pub async fn read(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    stores: Data<Stores>,
) -> ApiResult<DraftWithTag> {
    draft_of(stores.bots(who.reach()).get_bot(&bot.0).await?)
}
