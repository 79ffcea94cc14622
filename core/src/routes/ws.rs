//! `GET /ws/{bot_id}`: a call of the iCallMate dialler.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::response::Response;

use super::line::{HeldSlot, Protocol, open};
use crate::app::App;
use crate::transport::line::Codec;
use crate::transport::ws::WsCodec;

/// Take the call.
pub async fn call(
    State(app): State<Arc<App>>,
    Path(bot): Path<String>,
    held: Option<Extension<HeldSlot>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    // The dialler has been seen to escape the question mark: what follows it is no part of the name.
    let bot_id = bot.split('?').next().unwrap_or_default().to_owned();
    let protocol = Protocol {
        codec: Box::new(WsCodec::default()),
        pacing: |rate| WsCodec::default().pacing(rate),
        opening: Vec::new(),
        ticket: None,
    };
    open(app, held.as_deref(), upgrade, &bot_id, protocol)
}
