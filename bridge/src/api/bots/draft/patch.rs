//! `PATCH /api/v1/bots/{bot_id}/draft`

use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::{DraftWithTag, draft_of};
use crate::api::bots::asked::edit;
use crate::api::bots::replace::expected_version;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::bot::draft::patching;
use crate::bot::versions::Basis;
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Change some settings of a bot's draft by a JSON merge patch, or begin one with what is published.
#[instrument(name = "bots.draft.patch", skip_all, fields(bot.id = %bot.0))]
pub async fn patch(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    body: Checked<Map<String, Value>>,
) -> ApiResult<DraftWithTag> {
    let mut given = body.0;
    let edit = edit(&who, &bot.0, expected_version(expected, &mut given)?);
    let held = bots.held(who.reach()).await?;
    let written = bots.write_draft(edit, Basis::Draft, |stored| patching(&given, stored, &held)).await?;
    draft_of(written)
}
