//! `POST /api/v1/widget/ticket`

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

/// An audio socket of a worker's, opened once.
#[derive(Debug, Serialize, ToSchema)]
pub struct WidgetTicketView {
    /// Goes into the address's query as `ticket`.
    pub ticket: String,
    /// Where to connect, without the ticket.
    #[schema(example = "wss://voice.example.com/talk/faq")]
    pub url: String,
    /// The same, on the host that the page knows.
    #[schema(example = "/talk/faq")]
    pub path: String,
    /// RFC 3339, UTC.
    pub expires_at: String,
    /// To say afterwards how it was.
    pub feedback_token: String,
}

/// A ticket for an audio socket to one of the bots, for deployments without LiveKit and for pages that cannot reach it.
#[instrument(name = "widget.ticket", skip_all, fields(bot.id = %body.0.bot_id))]
pub async fn ticket(
    request: HttpRequest,
    desk: Data<WidgetDesk>,
    metrics: Data<Metrics>,
    body: Checked<VisitorRequest>,
) -> ApiResult<(Json<WidgetTicketView>, StatusCode)> {
    let visitor = body.0.admit(&desk, &request).await?;
    let socket = desk.socket(visitor).await?;
    metrics.visitor("talk", "admitted");
    let view = WidgetTicketView {
        ticket: socket.ticket,
        url: socket.url,
        path: socket.path,
        expires_at: socket.expires_at.to_string(),
        feedback_token: socket.feedback_token,
    };
    Ok((Json(view), StatusCode::CREATED))
}
