//! `POST /api/v1/bots/{bot_id}/clone`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use super::create::may_make;
use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::{Catalogue, Origin};
use crate::bot::draft::named;
use crate::edge::body::Optional;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// What is different about the copy.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloneRequest {
    /// By default the bot's name, with `(copy)` behind it.
    name: Option<String>,
}

/// Make another bot with the settings that are published of this one, its secrets too: both belong to the same tenant. The
/// copy begins in its first version, and has neither the draft nor the widget key.
#[instrument(name = "bots.clone", skip_all, fields(bot.id = %bot.0))]
pub async fn clone(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    body: Optional<CloneRequest>,
) -> ApiResult<WithTag> {
    let original = bots.stores.bots(who.reach()).get_bot(&bot.0).await?.value;
    may_make(&who)?;
    let settings = named(original.settings, body.0.name).map_err(ApiError::invalid)?;
    let note = format!("a copy of {}, version {}", bot.0, original.release.number);
    let origin = Origin { author: who.id().into(), note, creation: None };
    Ok(tagged(StatusCode::CREATED, bots.create(who.reach(), settings, origin).await?))
}
