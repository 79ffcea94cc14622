//! `GET /api/v1/bots/{bot_id}/versions`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::VersionList;
use crate::api::bots::asked::edit;
use crate::api::bots::list::PageQuery;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::params::{InPath, InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::StoreError;

/// All versions of a bot that were ever published, newest first.
#[instrument(name = "bots.versions.list", skip_all, fields(bot.id = %bot.0))]
pub async fn list(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    query: InQuery<PageQuery>,
    bots: Data<Catalogue>,
) -> ApiResult<Json<VersionList>> {
    let below = query.0.cursor.as_deref().map(str::parse).transpose().map_err(|_| StoreError::BadCursor)?;
    let limit = limit_of(query.0.limit)?;
    Ok(Json(bots.list_versions(edit(&who, &bot.0, None), below, limit).await?.into()))
}
