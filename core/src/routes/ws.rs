//! `GET /ws/{bot_id}`: a call of the iCallMate dialler.

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::ws::WsCodec;

/// The dialler says all that matters in its messages.
pub fn protocol(_address: &CallAddress) -> Result<Protocol, Misaddressed> {
    Ok(Protocol { codec: Box::new(WsCodec::default()), opening: Vec::new(), ticket: None })
}
