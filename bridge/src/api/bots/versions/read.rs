//! `GET /api/v1/bots/{bot_id}/versions/{number}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::VersionView;
use crate::api::bots::asked::edit;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// One version of a bot, with its settings.
#[instrument(name = "bots.versions.read", skip_all, fields(bot.id = %place.0.0))]
pub async fn read(
    who: Allowed<ReadBots>,
    place: InPath<(BotId, u32)>,
    bots: Data<Catalogue>,
) -> ApiResult<Json<VersionView>> {
    let (bot, number) = place.0;
    Ok(Json(bots.get_version(edit(&who, &bot, None), number).await?.into()))
}
