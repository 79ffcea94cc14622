//! What an agent is told when it begins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::codec::Codec;

/// Of an agent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens, UDP and TCP alike. Port 0: a free one.
    pub listen: SocketAddr,
    /// The address that others are told, where it is another than the one that is listened at.
    pub advertise: Option<IpAddr>,
    /// Ports for sound, an even one for each call.
    pub rtp_ports: RangeInclusive<u16>,
    /// Codecs, the dearest first: offered in this order, and chosen by it whatever an offer's order is.
    pub codecs: Vec<Codec>,
    /// What it says it is.
    pub user_agent: String,
    /// Realm of passwords that callers are asked for.
    pub realm: String,
    /// The user part of its own address.
    pub user: String,
    /// Our tags of calls begin with this.
    pub tag_prefix: String,
    /// Most calls at a time.
    pub most_calls: usize,
    /// Most new calls a second from one address; twice as many at once.
    pub calls_per_second: u32,
    /// Whether a TCP connection is opened to where a caller says it is, when it called over UDP. Otherwise requests of its call go where
    /// the call came from.
    pub opens_tcp: bool,
    /// Most TCP connections. A quarter of them, and two at least, may be of one address.
    pub most_connections: usize,
    /// A call ends when nothing is heard for so long after its beginning,
    pub first_sound_within: Duration,
    /// and so long between.
    pub sound_within: Duration,
    /// How a caller that puts us on hold is answered.
    pub hold: Hold,
}

/// What a side that is put on hold does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// What the other side asks for: no sound where it does not listen (RFC 3264, 8.4).
    Follow,
    /// It says that it goes on, and does, as some gateways do.
    KeepTalking,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            advertise: None,
            rtp_ports: 20_000..=29_999,
            codecs: Codec::ALL.to_vec(),
            user_agent: "vox-sip".to_owned(),
            realm: "vox".to_owned(),
            user: "vox".to_owned(),
            tag_prefix: String::new(),
            most_calls: 500,
            calls_per_second: 20,
            opens_tcp: false,
            most_connections: 256,
            first_sound_within: Duration::from_secs(30),
            sound_within: Duration::from_secs(15),
            hold: Hold::Follow,
        }
    }
}
