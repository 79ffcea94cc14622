//! What can go wrong.

use crate::leaving::Leaving;

/// A room was not joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    #[error("the address of the server is none: {0}")]
    Address(String),
    #[error("no TLS settings: {0}")]
    Tls(String),
    /// Nobody answers there, or not in time.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// 401: the token is bad, expired or not for this room. 404: there is no such room, and it is not made.
    #[error("the server refused with status {status}: {reason}")]
    Refused { status: u16, reason: String },
    #[error("the server said something that is not its protocol: {0}")]
    Protocol(String),
    #[error("the server sent us away: {0:?}")]
    SentAway(Leaving),
    /// Media may go through relays only, by the server's will or by [`Transport::Relay`](crate::Transport::Relay).
    #[error(
        "media may go through relays only, and the server names none that can be used: set `turn` or `rtc.turn_servers` in its configuration"
    )]
    RelayOnly,
    #[error("no socket for media: {0}")]
    Socket(#[source] std::io::Error),
}

impl JoinError {
    /// Whether trying the same again may help.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Socket(_) | Self::Protocol(_) => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

/// A track was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    #[error("one track at a time is published, and there is one")]
    Already,
    #[error("the server refused the track: {0}")]
    Refused(String),
    #[error("the encoder does not start: {0}")]
    Encoder(String),
    #[error("the room has ended")]
    Ended,
}

/// Something was not sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    #[error("{size} bytes are more than a packet takes ({most})")]
    TooLarge { size: usize, most: usize },
    #[error("'{0}' is no key of a phone")]
    NoDigit(char),
    /// The frame has another length than 20 ms at the rate of the track.
    #[error("a frame of {samples} samples: {wanted} are 20 ms")]
    FrameLength { samples: usize, wanted: usize },
    /// The channel takes no more for now: too much is under way.
    #[error("too much waits to be sent")]
    Full,
    #[error("the room has ended")]
    Ended,
    /// See [`Event::Unpublished`](crate::Event::Unpublished).
    #[error("the track is not published any more")]
    Unpublished,
}

/// Why a room ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disconnect {
    /// We left.
    Left,
    /// The server sent us away.
    SentAway(Leaving),
    /// The connection was lost and not had back in time.
    Lost,
    /// The server refused to take us back: the token is no longer good.
    Refused { status: u16 },
    /// Events were not read: more than a thousand waited.
    ReaderTooSlow,
}
