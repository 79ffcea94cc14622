//! `GET /api/v1/bots/{bot_id}`

use axum::extract::State;
use axum::http::StatusCode;
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::{WithTag, tagged};
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// One of the tenant's bots.
#[instrument(name = "bots.read", skip_all, fields(bot.id = %bot.0))]
pub async fn read(who: Allowed<ReadBots>, bot: InPath<BotId>, State(app): State<App>) -> ApiResult<WithTag> {
    Ok(tagged(StatusCode::OK, app.stores.bots(who.tenant()).get_bot(&bot.0).await?))
}
