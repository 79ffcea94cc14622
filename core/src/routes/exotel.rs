//! `GET /exotel/{bot_id}?sample-rate=`: a call of Exotel's Voicebot applet.

use http::StatusCode;

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::exotel::ExotelCodec;

/// 400 for a rate that the carrier does not have.
pub fn protocol(address: &CallAddress) -> Result<Protocol, Misaddressed> {
    let rate = match address.parameter("sample-rate").as_deref() {
        None => None,
        Some("8000") => Some(8_000),
        Some("16000") => Some(16_000),
        Some("24000") => Some(24_000),
        Some(_) => return Err((StatusCode::BAD_REQUEST, "bad_sample_rate")),
    };
    Ok(Protocol { codec: Box::new(ExotelCodec::new(rate)), opening: Vec::new(), ticket: None })
}
