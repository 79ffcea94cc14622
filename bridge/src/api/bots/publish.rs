//! `POST /api/v1/bots/{bot_id}/publish`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::asked::{Noted, edit};
use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::body::Optional;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Make a bot's draft its next version: calls that begin from now on run with it.
#[instrument(name = "bots.publish", skip_all, fields(bot.id = %bot.0))]
pub async fn publish(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    body: Optional<Noted>,
) -> ApiResult<WithTag> {
    let published = bots.publish_draft(edit(&who, &bot.0, expected.0), body.0.note()?).await?;
    Ok(tagged(StatusCode::OK, published))
}
