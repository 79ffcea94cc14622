//! `POST /api/v1/widget/token`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::page::VisitorRequest;
use crate::edge::body::Checked;
use crate::error::ApiResult;
use crate::metrics::Metrics;
use crate::widget::WidgetDesk;

/// A room in which the bot waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Where to join.
    pub server_url: String,
    /// For that room alone, and to be used within two minutes.
    pub participant_token: String,
    /// To say afterwards how it was.
    pub feedback_token: String,
}

/// A token for a room with one of the bots. It is made when a worker waits there.
#[instrument(name = "widget.token", skip_all, fields(bot.id = %body.0.bot_id))]
pub async fn token(
    request: HttpRequest,
    desk: Data<WidgetDesk>,
    metrics: Data<Metrics>,
    body: Checked<VisitorRequest>,
) -> ApiResult<(Json<TokenView>, StatusCode)> {
    let visitor = body.0.admit(&desk, &request).await?;
    let room = Box::pin(desk.room(visitor)).await;
    metrics.visitor("livekit", room.as_ref().map_or_else(|error| error.outcome(), |_| "admitted"));
    let room = room?;
    let view = TokenView {
        server_url: room.server_url,
        participant_token: room.participant_token,
        feedback_token: room.feedback_token,
    };
    Ok((Json(view), StatusCode::CREATED))
}
