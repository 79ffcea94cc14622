//! `POST /api/v1/bots/{bot_id}/versions/{number}/restore`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::api::bots::asked::{Noted, edit};
use crate::api::bots::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::body::Optional;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Roll back: publish the settings of an old version as the next one.
#[instrument(name = "bots.versions.restore", skip_all, fields(bot.id = %place.0.0))]
pub async fn restore(
    who: Allowed<EditBots>,
    place: InPath<(BotId, u32)>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    body: Optional<Noted>,
) -> ApiResult<WithTag> {
    let (bot, number) = place.0;
    let restored = bots.roll_back(edit(&who, &bot, expected.0), number, body.0.note()?).await?;
    Ok(tagged(StatusCode::OK, restored))
}
