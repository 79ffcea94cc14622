//! `GET /ws/{bot_id}`: a call of the iCallMate dialler.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::line::{Asked, Protocol, open};
use crate::app::App;
use crate::transport::ws::WsCodec;

/// Take the call.
pub async fn call(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let protocol = Protocol { codec: Box::new(WsCodec::default()), opening: Vec::new(), ticket: None };
    open(app, asked, protocol)
}
