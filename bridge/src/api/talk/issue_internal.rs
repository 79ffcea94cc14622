//! `POST /api/v1/internal/talk-tickets`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tracing::instrument;

use super::issue::{TicketRequest, TicketView, ticket};
use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

/// A ticket to talk to any bot, for the deployment's own command line.
#[instrument(name = "talk.issue_internal", skip_all, fields(bot.id = %body.0.bot_id))]
pub async fn issue_internal(
    _: Internal,
    State(app): State<App>,
    body: Checked<TicketRequest>,
) -> ApiResult<(StatusCode, Json<TicketView>)> {
    let bot = app.stores.all_bots().find_bot(&body.0.bot_id).await?;
    let bot = bot.ok_or_else(|| ApiError::not_found("bot"))?;
    ticket(&app, &bot.value.tenant_id, &bot).await
}
