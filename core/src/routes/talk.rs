//! `GET /talk/{bot_id}?ticket=`: a call of the console, the widget or the command line.

use http::StatusCode;

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::talk::TalkCodec;

/// Longest ticket looked at, bytes.
const MAX_TICKET: usize = 256;
/// Longest caller id taken from the address, characters.
const MAX_CALLER_ID: usize = 64;

/// 401 without a ticket. Whether the ticket is good the bridge says at config time.
pub fn protocol(address: &CallAddress) -> Result<Protocol, Misaddressed> {
    let ticket = address.parameter("ticket").filter(|ticket| ticket.len() <= MAX_TICKET);
    let ticket = ticket.ok_or((StatusCode::UNAUTHORIZED, "ticket_required"))?;
    let caller_id = address.parameter("caller_id").map(|id| id.chars().take(MAX_CALLER_ID).collect());
    Ok(Protocol { codec: Box::new(TalkCodec), opening: TalkCodec::opening(caller_id), ticket: Some(ticket) })
}
