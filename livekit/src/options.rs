//! What a client may be told before it joins.

use std::sync::Arc;
use std::time::Duration;

use crate::media::Rate;

/// How to be in a room.
#[derive(Clone, Debug)]
pub struct Options {
    /// One connection or two.
    pub mode: Mode,
    /// Rate of the sound that comes out.
    pub hear: Rate,
    /// Hand every voice out by itself as well as their mix.
    pub separate: bool,
    /// Subscribe to every voice as it is published; else to those that are asked for
    /// ([`Room::subscribe`](crate::Room::subscribe)).
    pub subscribe_to_all: bool,
    /// Over what media may go.
    pub transport: Transport,
    /// How long joining may take, signalling only.
    pub join_within: Duration,
    /// How long a lost connection is tried to be had back before the room is given up.
    pub recover_within: Duration,
    /// TLS for `wss` addresses; `None` for the system's roots with *ring*.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Make the network worse than it is: for tests and demonstrations.
    pub impairment: Option<Impairment>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Single,
            hear: Rate::Hz16000,
            separate: false,
            subscribe_to_all: true,
            transport: Transport::Any,
            join_within: Duration::from_secs(5),
            recover_within: Duration::from_secs(30),
            tls: None,
            impairment: None,
        }
    }
}

/// How many peer connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One, both ways: a handshake less. Servers from 1.11; one that does not know it is joined with two.
    Single,
    /// One each way, as all servers have it.
    Dual,
}

/// Over what media may go. A server that lets it through relays alone is obeyed in all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP; TCP where the server offers it and UDP does not come through; relays where neither does.
    Any,
    /// UDP, and relays that are reached by it.
    Udp,
    /// For networks that let no UDP out: TCP, and relays that are reached by TCP or TLS.
    Tcp,
    /// Relays alone (TURN), from the beginning: for networks that let nothing else out, and where our addresses shall not be known.
    Relay,
}

/// A word for a [`Transport`] that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be any, udp, tcp or relay")]
pub struct NoTransport;

impl std::str::FromStr for Transport {
    type Err = NoTransport;

    fn from_str(word: &str) -> Result<Self, NoTransport> {
        match word {
            "any" => Ok(Self::Any),
            "udp" => Ok(Self::Udp),
            "tcp" => Ok(Self::Tcp),
            "relay" => Ok(Self::Relay),
            _ => Err(NoTransport),
        }
    }
}

/// A bad network: packets of media are lost and delayed, both ways, on their way through our own sockets for UDP. What goes through a
/// relay or over TCP is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impairment {
    /// Of a hundred packets so many are lost, each by itself.
    pub loss_percent: u8,
    /// Each packet comes later by a random part of this: they overtake one another.
    pub jitter: Duration,
    /// The same number loses the same packets.
    pub seed: u64,
}

/// The track to publish.
#[derive(Clone, Debug)]
pub struct Publish {
    /// What others see as its name.
    pub name: String,
    /// Rate of the frames that will be written.
    pub rate: Rate,
    /// Bits a second; `None` for what speech needs at this rate (12 to 32 kbit/s).
    pub bitrate: Option<u32>,
    /// Send nothing in silence. A bot has no background noise to lose: it may be on; browsers play it well.
    pub dtx: bool,
    /// Send a copy of each packet in the next one (RED, RFC 2198), for losses that correction within the codec does not repair. Others
    /// get it so, or, where they cannot read it, without.
    pub redundant: bool,
    /// Frames that may wait to be sent: a writer that is faster waits.
    pub queue_frames: usize,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            name: "voice".to_owned(),
            rate: Rate::Hz24000,
            bitrate: None,
            dtx: false,
            redundant: false,
            queue_frames: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_is_a_word() {
        assert_eq!("relay".parse(), Ok(Transport::Relay));
        assert_eq!("any".parse(), Ok(Transport::Any));
        assert_eq!("turn".parse::<Transport>(), Err(NoTransport));
    }
}
