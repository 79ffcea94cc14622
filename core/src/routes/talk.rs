//! `GET /talk/{bot_id}?ticket=`: a call of the console, the widget or the command line.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::line::{HeldSlot, Protocol, open};
use super::recordings::error;
use crate::app::App;
use crate::transport::line::Codec;
use crate::transport::talk::TalkCodec;

/// Longest ticket looked at, bytes.
const MAX_TICKET: usize = 256;
/// Longest caller id taken from the address, characters.
const MAX_CALLER_ID: usize = 64;

/// The address's query.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    ticket: Option<String>,
    caller_id: Option<String>,
}

/// Take the call; 401 without a ticket. Whether the ticket is good the bridge says at config time.
pub async fn call(
    State(app): State<Arc<App>>,
    Path(bot_id): Path<String>,
    Query(parameters): Query<Parameters>,
    held: Option<Extension<HeldSlot>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Some(ticket) = parameters.ticket.filter(|t| (1..=MAX_TICKET).contains(&t.len())) else {
        return error(StatusCode::UNAUTHORIZED, "ticket_required");
    };
    let caller_id = parameters.caller_id.map(|id| id.chars().take(MAX_CALLER_ID).collect());
    let protocol = Protocol {
        codec: Box::new(TalkCodec),
        pacing: |rate| TalkCodec.pacing(rate),
        opening: TalkCodec::opening(caller_id),
        ticket: Some(ticket),
    };
    open(app, held.as_deref(), upgrade, &bot_id, protocol)
}
