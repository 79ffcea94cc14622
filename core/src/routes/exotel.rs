//! `GET /exotel/{bot_id}?sample-rate=`: a call of Exotel's Voicebot applet.

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
use crate::transport::exotel::ExotelCodec;
use crate::transport::line::Codec;

/// The address's query.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    #[serde(rename = "sample-rate")]
    sample_rate: Option<String>,
}

/// Take the call; 400 for a rate that the carrier does not have.
pub async fn call(
    State(app): State<Arc<App>>,
    Path(bot_id): Path<String>,
    Query(parameters): Query<Parameters>,
    held: Option<Extension<HeldSlot>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let rate = match parameters.sample_rate.as_deref() {
        None => None,
        Some("8000") => Some(8_000),
        Some("16000") => Some(16_000),
        Some("24000") => Some(24_000),
        Some(_) => return error(StatusCode::BAD_REQUEST, "bad_sample_rate"),
    };
    let protocol = Protocol {
        codec: Box::new(ExotelCodec::new(rate)),
        pacing: |rate| ExotelCodec::new(None).pacing(rate),
        opening: Vec::new(),
        ticket: None,
    };
    open(app, held.as_deref(), upgrade, &bot_id, protocol)
}
