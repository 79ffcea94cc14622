//! `POST /api/v1/internal/talk-tickets`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;

use super::issue::{TicketRequest, TicketView, ticket};
use crate::auth::internal::Tools;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// A ticket to talk to any bot, for the deployment's own command line.
#[instrument(name = "talk.issue_internal", skip_all, fields(bot.id = %body.0.bot_id))]
pub async fn issue_internal(
    _: Tools,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<TicketRequest>,
) -> ApiResult<(Json<TicketView>, StatusCode)> {
    let bot = stores.all_bots().find_bot(&body.0.bot_id).await?;
    let bot = bot.ok_or_else(|| ApiError::not_found("bot"))?;
    ticket((&stores, &clock), &bot.value.tenant_id, &bot).await
}
