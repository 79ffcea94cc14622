//! Ports for programs that have to be told theirs.

use std::net::{SocketAddr, TcpListener, UdpSocket};

/// An address of loopback whose port nobody has just now, neither for UDP nor for TCP. It is even, as RTP wants it, and the one above
/// it is free most likely.
///
/// # Panics
/// When the machine gives none.
pub fn free_address() -> SocketAddr {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("it is bound");
        if address.port().is_multiple_of(2) && TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
