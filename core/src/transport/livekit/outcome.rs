//! What the end of a telephone's try, or of somebody's stay in a room, means for the call.

use vox_livekit::service::ServiceError;
use vox_livekit::{Disconnect, Leaving};
use vox_shared::wire::result::DisconnectedBy;

use super::server::DialError;
use crate::transport::line::LineIn;
use crate::transport::reason::Reason;

/// Nobody answered, by what the gateway says. The status of the far end decides; without one the gateway itself gave up ringing, or could
/// not call at all.
pub fn not_answered(error: &DialError) -> LineIn {
    let not_placed = |why: String| LineIn::Broken(Reason::NotPlaced(why));
    let error = match error {
        DialError::NoTrunk(why) => return not_placed(why.clone()),
        DialError::Service(error) => error,
    };
    match error.sip_code() {
        Some(code) => match by_status(code) {
            Some(by) => LineIn::HungUp { by },
            None => not_placed(said(error)),
        },
        None if error.is_no_answer() => LineIn::HungUp { by: DisconnectedBy::NoAnswer },
        None => not_placed(said(error)),
    }
}

/// RFC 3261, section 21, and the Q.850 practice of carriers. `None`: the call could not be placed.
fn by_status(code: u16) -> Option<DisconnectedBy> {
    match code {
        486 | 600 => Some(DisconnectedBy::Busy),
        603 | 607 | 608 => Some(DisconnectedBy::Rejected),
        408 | 480 | 487 => Some(DisconnectedBy::NoAnswer),
        _ => None,
    }
}

/// The same when the telephone has left the room and the gateway has said nothing. Older gateways say of most failures only that
/// it left by itself.
pub fn left_unanswered(reason: Leaving) -> LineIn {
    match reason {
        Leaving::UserRejected => LineIn::HungUp { by: DisconnectedBy::Rejected },
        Leaving::SipTrunkFailure | Leaving::MediaFailure | Leaving::JoinFailure => {
            LineIn::Broken(Reason::NotPlaced("the carrier could not place the call".into()))
        }
        Leaving::ParticipantRemoved | Leaving::RoomDeleted => LineIn::Broken(Reason::RemovedFromRoom),
        _ => LineIn::HungUp { by: DisconnectedBy::NoAnswer },
    }
}

/// What an error says, in one line: the far end's words where there are any.
fn said(error: &ServiceError) -> String {
    match error.refusal().and_then(|refusal| refusal.sip.as_ref()) {
        Some(sip) => format!("{} {}", sip.code, sip.phrase).trim_end().to_owned(),
        None if error.is_without_gateway() => "no SIP gateway answers the LiveKit server".to_owned(),
        None => error.to_string(),
    }
}

/// Why a caller was not handed over, for whoever goes on talking with them.
pub fn not_transferred(error: &ServiceError) -> String {
    match error.sip_code().map(by_status) {
        Some(Some(DisconnectedBy::Busy)) => "busy".to_owned(),
        Some(Some(DisconnectedBy::Rejected)) => "refused".to_owned(),
        Some(Some(_)) => "nobody answered in time".to_owned(),
        Some(None) => format!("the carrier does not do it ({})", said(error)),
        None if error.is_no_answer() => "nobody answered in time".to_owned(),
        None => said(error),
    }
}

/// How somebody left a call that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Of their own will.
    HungUp,
    /// Somebody sent them away, or closed the room.
    SentAway,
    /// Their connection is gone, or they are about to come back under the same name.
    Lost,
}

impl Departure {
    pub fn of(reason: Leaving) -> Self {
        match reason {
            Leaving::ParticipantRemoved | Leaving::RoomDeleted | Leaving::RoomClosed => Self::SentAway,
            Leaving::Unknown
            | Leaving::DuplicateIdentity
            | Leaving::ServerShutdown
            | Leaving::StateMismatch
            | Leaving::Migration
            | Leaving::SignalClose
            | Leaving::ConnectionTimeout
            | Leaving::MediaFailure => Self::Lost,
            _ => Self::HungUp,
        }
    }
}

/// What it means for the call that the room ended for us.
pub fn room_ended(why: &Disconnect) -> LineIn {
    match why {
        Disconnect::SentAway(Leaving::ParticipantRemoved | Leaving::RoomDeleted | Leaving::RoomClosed) => {
            LineIn::Broken(Reason::RemovedFromRoom)
        }
        _ => LineIn::Broken(Reason::RoomLost),
    }
}

#[cfg(test)]
mod tests {
    use vox_livekit::service::{Code, Refusal, SipStatus};

    use super::*;

    fn refused(code: Code, sip: Option<u16>) -> ServiceError {
        let sip = sip.map(|code| SipStatus { code, phrase: "Phrase".into() });
        ServiceError::Refused(Box::new(Refusal { status: 429, code, said: "m".into(), sip }))
    }

    fn dialled(error: ServiceError) -> LineIn {
        not_answered(&DialError::Service(error))
    }

    #[test]
    fn the_far_ends_status_decides_and_not_the_apis_code() {
        let by = |by| LineIn::HungUp { by };
        for (sip, expected) in [
            (486, by(DisconnectedBy::Busy)),
            (600, by(DisconnectedBy::Busy)),
            (603, by(DisconnectedBy::Rejected)),
            (480, by(DisconnectedBy::NoAnswer)),
            (408, by(DisconnectedBy::NoAnswer)),
            (404, LineIn::Broken(Reason::NotPlaced("404 Phrase".into()))),
            (503, LineIn::Broken(Reason::NotPlaced("503 Phrase".into()))),
        ] {
            // 486 and 480 share Twirp's code, and its HTTP status.
            assert_eq!(dialled(refused(Code::ResourceExhausted, Some(sip))), expected, "{sip}");
        }
        assert_eq!(dialled(refused(Code::Canceled, None)), by(DisconnectedBy::NoAnswer), "it rang in vain");
        assert!(matches!(dialled(ServiceError::NotConnected), LineIn::Broken(Reason::NotPlaced(_))));
        assert!(matches!(dialled(refused(Code::NotFound, None)), LineIn::Broken(_)), "no such trunk");
    }

    #[test]
    fn a_failed_transfer_is_told_in_words_that_can_be_passed_on() {
        assert_eq!(not_transferred(&refused(Code::ResourceExhausted, Some(486))), "busy");
        assert_eq!(not_transferred(&refused(Code::PermissionDenied, Some(603))), "refused");
        assert_eq!(not_transferred(&refused(Code::DeadlineExceeded, None)), "nobody answered in time");
        assert_eq!(
            not_transferred(&refused(Code::PermissionDenied, Some(403))),
            "the carrier does not do it (403 Phrase)"
        );
    }
}
