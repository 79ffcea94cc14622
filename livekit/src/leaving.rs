//! Why somebody is no longer in a room.

/// Why somebody went (`livekit.DisconnectReason`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leaving {
    #[default]
    Unknown,
    /// Of its own will; also a phone that hung up.
    ClientInitiated,
    DuplicateIdentity,
    ServerShutdown,
    ParticipantRemoved,
    RoomDeleted,
    StateMismatch,
    JoinFailure,
    Migration,
    SignalClose,
    RoomClosed,
    /// A phone that does not answer or cannot be reached.
    UserUnavailable,
    /// A phone that refused or is busy.
    UserRejected,
    SipTrunkFailure,
    ConnectionTimeout,
    MediaFailure,
    AgentError,
}

impl Leaving {
    pub(crate) const fn to_wire(self) -> i32 {
        match self {
            Self::Unknown => 0,
            Self::ClientInitiated => 1,
            Self::DuplicateIdentity => 2,
            Self::ServerShutdown => 3,
            Self::ParticipantRemoved => 4,
            Self::RoomDeleted => 5,
            Self::StateMismatch => 6,
            Self::JoinFailure => 7,
            Self::Migration => 8,
            Self::SignalClose => 9,
            Self::RoomClosed => 10,
            Self::UserUnavailable => 11,
            Self::UserRejected => 12,
            Self::SipTrunkFailure => 13,
            Self::ConnectionTimeout => 14,
            Self::MediaFailure => 15,
            Self::AgentError => 16,
        }
    }

    pub(crate) const fn from_wire(number: i32) -> Self {
        match number {
            1 => Self::ClientInitiated,
            2 => Self::DuplicateIdentity,
            3 => Self::ServerShutdown,
            4 => Self::ParticipantRemoved,
            5 => Self::RoomDeleted,
            6 => Self::StateMismatch,
            7 => Self::JoinFailure,
            8 => Self::Migration,
            9 => Self::SignalClose,
            10 => Self::RoomClosed,
            11 => Self::UserUnavailable,
            12 => Self::UserRejected,
            13 => Self::SipTrunkFailure,
            14 => Self::ConnectionTimeout,
            15 => Self::MediaFailure,
            16 => Self::AgentError,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_understood() {
        for number in 0..17 {
            assert_eq!(Leaving::from_wire(number).to_wire(), number);
        }
        assert_eq!(Leaving::from_wire(99), Leaving::Unknown);
    }
}
