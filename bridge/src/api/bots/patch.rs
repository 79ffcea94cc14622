//! `PATCH /api/v1/bots/{bot_id}`

use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::replace::change;
use super::view::WithTag;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::bot::draft;
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Change some settings by a JSON merge patch, and publish them at once.
#[instrument(name = "bots.patch", skip_all, fields(bot.id = %bot.0))]
pub async fn patch(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    change(&bots, (who, bot.0), expected, body.0, draft::patching).await
}
