//! How the bridge itself is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::Server;

/// As it was set, or else as this machine reaches it. Neither ends with a '/'.
pub(super) struct OwnAddresses {
    /// The API.
    pub base_url: String,
    /// Sockets of calls.
    pub media_url: String,
}

impl OwnAddresses {
    pub(super) fn of(server: &Server, bound: SocketAddr) -> Self {
        let base_url = server.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(bound)));
        // Beside the bridge, as behind one nginx.
        let media_url = server.media_url.clone().unwrap_or_else(|| base_url.replacen("http", "ws", 1));
        Self { base_url, media_url }
    }
}

/// An address to connect to, for one to listen on.
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let mut address = bound;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
