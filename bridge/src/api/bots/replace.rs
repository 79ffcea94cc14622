//! `PUT /api/v1/bots/{bot_id}`

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use super::view::{WithTag, tagged};
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::draft;
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::{ApiError, ApiResult, FieldError};
use crate::store::{Stamp, StoreError};

/// What views have beside the settings; accepted back, so that a bot can be read, changed and sent.
const VIEW_FIELDS: [&str; 3] = ["id", "created_at", "updated_at"];

/// How given fields and stored settings become new settings.
type Drafted = fn(&Map<String, Value>, &BotSettings) -> Result<BotSettings, Vec<FieldError>>;

/// Replace all settings; vendor keys that are left out stay.
#[instrument(name = "bots.replace", skip_all, fields(bot.id = %bot.0))]
pub async fn replace(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    State(app): State<App>,
    expected: Option<IfMatch>,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    change(&app, who, &bot.0, (expected, body.0), draft::replacing).await
}

/// Change a bot if it has the expected version still.
pub async fn change(
    app: &App,
    who: Allowed<EditBots>,
    id: &BotId,
    (expected, mut given): (Option<IfMatch>, Map<String, Value>),
    drafted: Drafted,
) -> ApiResult<WithTag> {
    let expected = expected_version(expected, &mut given)?;
    let bots = app.stores.bots(who.tenant());
    let mut bot = bots.get_bot(id).await?;
    if expected.is_some_and(|version| version != bot.version) {
        return Err(StoreError::Conflict.into());
    }
    bot.value.settings = drafted(&given, &bot.value.settings).map_err(ApiError::invalid)?;
    bot.value.updated_at = Stamp(app.clock.now());
    Ok(tagged(StatusCode::OK, bots.replace_bot(bot).await?))
}

/// From the header, or from `version` among the fields, which is taken out.
fn expected_version(header: Option<IfMatch>, given: &mut Map<String, Value>) -> ApiResult<Option<u64>> {
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
    Ok(header.map(|h| h.0).or(in_body))
}
