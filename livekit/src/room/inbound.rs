//! What the tasks that read sockets tell the room's own.

use std::net::SocketAddr;

use str0m::net::Protocol;
use tokio::sync::mpsc;

use crate::wire::signal::Target;

/// Which of a room's relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RelayId(pub u64);

/// What came from a socket.
pub(crate) enum Inbound {
    Packet {
        target: Target,
        proto: Protocol,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A TCP connection stands.
    Connected {
        target: Target,
        local: SocketAddr,
        remote: SocketAddr,
        outgoing: mpsc::Sender<Vec<u8>>,
    },
    /// A TCP connection ended, or could not be had.
    Closed {
        target: Target,
        remote: SocketAddr,
    },
    /// A TURN server lent us an address.
    Relayed {
        id: RelayId,
        target: Target,
        local: SocketAddr,
        relayed: SocketAddr,
    },
    /// It took it back, or lent none.
    RelayEnded {
        id: RelayId,
        target: Target,
        why: String,
    },
}
