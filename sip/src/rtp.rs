//! Packets of sound (RFC 3550), and what a stream of them is to a telephone. Nothing here has a socket or reads a clock.

pub mod events;
mod latch;
mod packet;
mod player;
mod stream;

pub use packet::{Packet, PacketError};
pub use stream::RtpCounts;
pub(crate) use stream::{Heard, Stream};

/// Samples in a packet: 20 ms.
pub const FRAME: usize = 160;
