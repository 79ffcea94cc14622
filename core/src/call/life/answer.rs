//! What a line says before there is a conversation: who calls, and that they answered.

use std::time::Duration;

use tokio::time::timeout;
use vox_shared::wire::result::DisconnectedBy;
use vox_shared::wire::seat::RoomSeat;

use crate::transport::line::{LineIn, LineOut, Ready};
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;

/// The carrier must say who calls within this.
pub(super) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Ringing.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

pub(super) async fn handshake(ends: &mut Ends) -> Option<Ready> {
    match timeout(HANDSHAKE_DEADLINE, ends.incoming.recv()).await {
        Ok(Some(LineIn::Ready(ready))) => Some(*ready),
        // Hung up before it began, or the pump has closed the line already, with its reason.
        Ok(_) => None,
        Err(_) => {
            let reason = Reason::NoHandshake(HANDSHAKE_DEADLINE.as_secs());
            let _gone = ends.outgoing.try_send(LineOut::Refuse(reason));
            None
        }
    }
}

/// With where the call sits, in a room. Or how it ended without an answer, and what went wrong if something did.
pub(super) async fn wait_for_answer(
    ends: &mut Ends,
) -> Result<Option<Box<RoomSeat>>, (DisconnectedBy, Option<String>)> {
    let wait = async {
        let mut seat = None;
        loop {
            match ends.incoming.recv().await {
                Some(LineIn::Sits(taken)) => seat = Some(taken),
                Some(LineIn::Answered) => return Ok(seat),
                // Whoever let go of a call that was not answered: it was not answered.
                Some(LineIn::HungUp { by: DisconnectedBy::Customer }) | None => {
                    return Err((DisconnectedBy::NoAnswer, None));
                }
                Some(LineIn::HungUp { by }) => {
                    let failed = by == DisconnectedBy::Error;
                    return Err((by, failed.then(|| "the carrier could not place the call".to_owned())));
                }
                Some(LineIn::Broken(reason)) => {
                    return Err((DisconnectedBy::Error, Some(reason.to_string())));
                }
                Some(_) => {}
            }
        }
    };
    match timeout(ANSWER_DEADLINE, wait).await {
        Ok(answer) => answer,
        Err(_) => {
            let _gone = ends.outgoing.try_send(LineOut::HangUp { by: DisconnectedBy::NoAnswer });
            Err((DisconnectedBy::NoAnswer, None))
        }
    }
}
