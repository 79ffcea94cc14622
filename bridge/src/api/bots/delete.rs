//! `DELETE /api/v1/bots/{bot_id}`

use axum::extract::State;
use axum::http::StatusCode;
use tracing::instrument;
use vox_shared::ids::BotId;

use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Delete a bot. Its calls stay, and running ones end normally.
#[instrument(name = "bots.delete", skip_all, fields(bot.id = %bot.0))]
pub async fn delete(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    State(app): State<App>,
    expected: Option<IfMatch>,
) -> ApiResult<StatusCode> {
    let bots = app.stores.bots(who.tenant());
    let version = match expected {
        Some(IfMatch(version)) => version,
        None => bots.get_bot(&bot.0).await?.version,
    };
    bots.delete_bot(&bot.0, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
