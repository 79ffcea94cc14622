//! `GET /exotel/{bot_id}?sample-rate=`: a call of Exotel's Voicebot applet.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::line::{Asked, Protocol, open};
use super::recordings::error;
use crate::app::App;
use crate::transport::exotel::ExotelCodec;

/// Take the call; 400 for a rate that the carrier does not have.
pub async fn call(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let rate = match asked.address.parameter("sample-rate").as_deref() {
        None => None,
        Some("8000") => Some(8_000),
        Some("16000") => Some(16_000),
        Some("24000") => Some(24_000),
        Some(_) => return error(StatusCode::BAD_REQUEST, "bad_sample_rate"),
    };
    let protocol = Protocol { codec: Box::new(ExotelCodec::new(rate)), opening: Vec::new(), ticket: None };
    open(app, asked, protocol)
}
