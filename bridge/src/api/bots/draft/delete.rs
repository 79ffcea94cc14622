//! `DELETE /api/v1/bots/{bot_id}/draft`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::api::bots::asked::edit;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Forget a bot's draft.
#[instrument(name = "bots.draft.delete", skip_all, fields(bot.id = %bot.0))]
pub async fn delete(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
) -> ApiResult<HttpResponse> {
    bots.drop_draft(edit(&who, &bot.0, expected.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}
