//! `POST /api/v1/bots/{bot_id}/widget-key`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::api::bots::asked::{Nothing, edit};
use crate::api::bots::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::body::Optional;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Give a bot a widget key, in place of the one that it has.
#[instrument(name = "bots.widget_key.renew", skip_all, fields(bot.id = %bot.0))]
pub async fn renew(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    _: Optional<Nothing>,
) -> ApiResult<WithTag> {
    Ok(tagged(StatusCode::OK, bots.renew_widget_key(edit(&who, &bot.0, expected.0)).await?))
}
