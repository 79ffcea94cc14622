//! `GET /api/v1/bots/{bot_id}/export`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;

use super::asked::edit;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::bot::catalogue::Catalogue;
use crate::bot::parcel::{Parcel, pack};
use crate::edge::params::{InPath, InQuery};
use crate::error::ApiResult;
use crate::store::Stamp;

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// The number of a version; by default the one that is published.
    version: Option<u32>,
}

/// A bot as a file, without its secrets.
#[instrument(name = "bots.export", skip_all, fields(bot.id = %bot.0))]
pub async fn export(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    query: InQuery<ExportQuery>,
    bots: Data<Catalogue>,
    clock: Data<Clock>,
) -> ApiResult<Json<Parcel>> {
    let number = match query.0.version {
        Some(number) => number,
        None => bots.stores.bots(who.reach()).get_bot(&bot.0).await?.value.release.number,
    };
    let version = bots.get_version(edit(&who, &bot.0, None), number).await?;
    let exported_at = Stamp(clock.now()).to_string();
    let origin = json!({"bot_id": bot.0, "bot_version": number, "exported_at": exported_at});
    Ok(Json(pack(&version.settings, origin)))
}
