//! `GET /twilio/{bot_id}`: a call of Twilio's Media Streams.

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::twilio::TwilioCodec;

/// The carrier says all that matters in its messages: it passes no parameters of an address on.
pub fn protocol(_address: &CallAddress) -> Result<Protocol, Misaddressed> {
    Ok(Protocol { codec: Box::new(TwilioCodec::default()), opening: Vec::new(), ticket: None })
}
