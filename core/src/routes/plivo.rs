//! `GET /plivo/{bot_id}`: a call of Plivo's audio streams.

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::plivo::PlivoCodec;

/// The carrier says all that matters in its messages.
pub fn protocol(_address: &CallAddress) -> Result<Protocol, Misaddressed> {
    Ok(Protocol { codec: Box::new(PlivoCodec::default()), opening: Vec::new(), ticket: None })
}
