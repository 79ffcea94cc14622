//! `GET /talk/{bot_id}?ticket=`: a call of the console, the widget or the command line.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::line::{Asked, Protocol, open};
use super::recordings::error;
use crate::app::App;
use crate::transport::talk::TalkCodec;

/// Longest ticket looked at, bytes.
const MAX_TICKET: usize = 256;
/// Longest caller id taken from the address, characters.
const MAX_CALLER_ID: usize = 64;

/// Take the call; 401 without a ticket. Whether the ticket is good the bridge says at config time.
pub async fn call(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let Some(ticket) = asked.address.parameter("ticket").filter(|t| t.len() <= MAX_TICKET) else {
        return error(StatusCode::UNAUTHORIZED, "ticket_required");
    };
    let caller_id = asked.address.parameter("caller_id").map(|id| id.chars().take(MAX_CALLER_ID).collect());
    let opening = TalkCodec::opening(caller_id);
    open(app, asked, Protocol { codec: Box::new(TalkCodec), opening, ticket: Some(ticket) })
}
