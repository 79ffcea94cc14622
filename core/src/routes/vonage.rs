//! `GET /vonage/{bot_id}`: a call of Vonage's WebSocket endpoint.

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::vonage::VonageCodec;

/// The carrier says all that matters in its first message.
pub fn protocol(_address: &CallAddress) -> Result<Protocol, Misaddressed> {
    Ok(Protocol { codec: Box::new(VonageCodec::default()), opening: Vec::new(), ticket: None })
}
