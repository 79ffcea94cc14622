//! `DELETE /api/v1/bots/{bot_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::asked::edit;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Delete a bot. Its calls stay, and running ones end normally. It can be restored for 30 days.
#[instrument(name = "bots.delete", skip_all, fields(bot.id = %bot.0))]
pub async fn delete(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
) -> ApiResult<HttpResponse> {
    bots.delete(edit(&who, &bot.0, expected.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}
