//! Why a call is not let in, or is broken off, in words that every carrier's protocol has its own form for: a close code, a
//! message, the status of an answer.

use vox_shared::wire::result::DisconnectedBy;

use super::untidy::Untidy;

/// The reason. Its text is what the carrier is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    // The control plane's.
    #[error("unknown_bot")]
    UnknownBot,
    #[error("outside_hours")]
    OutsideHours,
    #[error("quota_exceeded")]
    QuotaExceeded,
    #[error("bad_ticket")]
    BadTicket,
    /// The bot guards its line, and the caller has neither the token nor an address of the list.
    #[error("line_forbidden")]
    LineForbidden,
    #[error("refused")]
    Refused,
    // The worker's: another one may take the call.
    #[error("busy")]
    Busy,
    #[error("draining")]
    Draining,
    #[error("outbox_full")]
    OutboxFull,
    #[error("control_plane_unavailable")]
    ControlPlaneAway,
    #[error("the worker's disk takes no record of a call")]
    NoRecord,
    // The carrier's doing.
    #[error("no start message within {0} s")]
    NoHandshake(u64),
    #[error("nothing was received for {0} s")]
    Silent(u64),
    /// An encoding or a rate that the line cannot serve: says what it can.
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("the message is over this line's limit")]
    TooBig,
    #[error("a text frame is not UTF-8")]
    NotText,
    /// Bad messages came for a second, and nothing else.
    #[error("nothing usable for a second: {}", .0.expected())]
    NothingUsable(Untidy),
    // LiveKit's.
    /// The room could not be joined.
    #[error("the LiveKit room could not be joined: {0}")]
    NotJoined(String),
    /// Joined, and lost, and not had back in time.
    #[error("the connection to the LiveKit room was lost")]
    RoomLost,
    /// By somebody with the server's key.
    #[error("the caller was removed from the room, or the room was closed, by somebody else")]
    RemovedFromRoom,
    #[error("the call could not be placed: {0}")]
    NotPlaced(String),
}

impl Reason {
    /// The word for the call's end, for protocols that say one.
    pub fn disconnected_by(&self) -> DisconnectedBy {
        match self {
            Self::OutsideHours => DisconnectedBy::OutsideHours,
            _ => DisconnectedBy::Error,
        }
    }

    /// Whether the same call may be let in a moment later, or by another worker.
    pub fn may_pass(&self) -> bool {
        use Reason::{Busy, ControlPlaneAway, Draining, NoRecord, OutboxFull};
        matches!(self, Busy | Draining | OutboxFull | ControlPlaneAway | NoRecord)
    }
}
