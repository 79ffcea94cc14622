//! `PUT /api/v1/bots/{bot_id}`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use super::asked::edit;
use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::Catalogue;
use crate::bot::draft::{self, Held};
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// What views have beside the settings; accepted back, so that a bot can be read, changed and sent.
const VIEW_FIELDS: [&str; 9] = [
    "id",
    "created_at",
    "updated_at",
    "deleted_at",
    "bot_version",
    "has_draft",
    "widget_key",
    // Of a draft.
    "based_on",
    "author",
];

/// How given fields and stored settings become new settings.
type Drafted = fn(&Map<String, Value>, &BotSettings, &Held) -> Result<BotSettings, Vec<FieldError>>;

/// Replace all settings and publish them at once; vendor keys that are left out stay.
#[instrument(name = "bots.replace", skip_all, fields(bot.id = %bot.0))]
pub async fn replace(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    bots: Data<Catalogue>,
    expected: IfMatch,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    change(&bots, (who, bot.0), expected, body.0, draft::replacing).await
}

/// Change a bot if it has the expected version still.
pub async fn change(
    bots: &Catalogue,
    (who, id): (Allowed<EditBots>, BotId),
    expected: IfMatch,
    mut given: Map<String, Value>,
    drafted: Drafted,
) -> ApiResult<WithTag> {
    let expected = expected_version(expected, &mut given)?;
    let held = bots.held(who.reach()).await?;
    let drafted = |stored: &BotSettings| drafted(&given, stored, &held);
    let changed = bots.change(edit(&who, &id, expected), drafted).await?;
    Ok(tagged(StatusCode::OK, changed))
}

/// From the header, or from `version` among the fields, which is taken out.
pub fn expected_version(header: IfMatch, given: &mut Map<String, Value>) -> ApiResult<Option<u64>> {
    for field in VIEW_FIELDS {
        given.remove(field);
    }
    let in_body = match given.remove("version") {
        None => None,
        Some(version) => Some(version.as_u64().ok_or_else(|| {
            ApiError::invalid(vec![FieldError::new(
                "version",
                "must be the number that the bot was read with",
            )])
        })?),
    };
    Ok(header.0.or(in_body))
}
