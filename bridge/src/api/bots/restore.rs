//! `POST /api/v1/bots/{bot_id}/restore`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::asked::{Nothing, edit};
use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::body::Optional;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Take a bot's deletion back: it is as it was.
#[instrument(name = "bots.restore", skip_all, fields(bot.id = %bot.0))]
pub async fn restore(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    _: Optional<Nothing>,
) -> ApiResult<WithTag> {
    Ok(tagged(StatusCode::OK, bots.undelete(edit(&who, &bot.0, expected.0)).await?))
}
