//! What a line says before there is a conversation: who calls, and that they answered.

use std::time::Duration;

use tokio::time::timeout;
use vox_shared::wire::result::DisconnectedBy;
use vox_shared::wire::seat::RoomSeat;

use crate::transport::line::{IN_ROOMS, LineIn, LineOut, Ready};
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;

/// The carrier must say who calls within this.
pub(super) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Ringing.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// The same in a room, where the line itself knows how long it may ring: longer than any line waits.
const ANSWER_DEADLINE_IN_ROOMS: Duration = Duration::from_secs(165);

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

/// What a line says of a call when it is answered.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Where it sits, in a room.
    pub(super) seat: Option<Box<RoomSeat>>,
    /// From the dial to the answer, where the line saw it ring.
    pub(super) rang: Option<Duration>,
}

/// Or how it ended without an answer, and what went wrong if something did.
pub(super) async fn wait_for_answer(
    ends: &mut Ends,
    line: &str,
) -> Result<Answer, (DisconnectedBy, Option<String>)> {
    let wait = async {
        let mut answer = Answer::default();
        loop {
            match ends.incoming.recv().await {
                Some(LineIn::Sits(taken)) => answer.seat = Some(taken),
                Some(LineIn::Rang(time)) => answer.rang = Some(time),
                Some(LineIn::Answered) => return Ok(answer),
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
    let deadline = if line == IN_ROOMS { ANSWER_DEADLINE_IN_ROOMS } else { ANSWER_DEADLINE };
    match timeout(deadline, wait).await {
        Ok(answer) => answer,
        Err(_) => {
            let _gone = ends.outgoing.try_send(LineOut::HangUp { by: DisconnectedBy::NoAnswer });
            Err((DisconnectedBy::NoAnswer, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;
    use crate::transport::line::LINE_DEPTH;

    #[tokio::test]
    async fn what_a_line_says_before_the_answer_is_kept() {
        let (line, incoming) = mpsc::channel(LINE_DEPTH);
        let (outgoing, _orders) = mpsc::channel(LINE_DEPTH);
        let mut ends = Ends { incoming, outgoing, dropped: Arc::default() };
        for said in [LineIn::Rang(Duration::from_secs(9)), LineIn::Audio(vec![0; 160]), LineIn::Answered] {
            line.send(said).await.unwrap();
        }
        let answer = wait_for_answer(&mut ends, IN_ROOMS).await.unwrap();
        assert_eq!(answer, Answer { seat: None, rang: Some(Duration::from_secs(9)) });
        line.send(LineIn::Answered).await.unwrap();
        assert_eq!(wait_for_answer(&mut ends, "ws").await, Ok(Answer::default()));
    }
}
