//! Ports of loopback for programs that have to be told theirs, and keep it over restarts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the kernel gives to whoever asks for any (from 32,768 on Linux; `ip_local_port_range`): the near end of somebody's
/// connection never takes one while it waits for its program; and above those that calls take for their sound (20,000 to 29,999).
const FROM: u16 = 30_000;
/// Each is even, as RTP wants it, and has the three above it to itself: SIPp takes the port two above the one of its sound too.
const STEP: u16 = 4;
const PLACES: u32 = 692;
/// Addresses that a process is likely to want: another process begins so many further on.
const OF_ONE_PROCESS: u32 = 16;

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// An address of loopback whose port nobody has just now, neither for UDP nor for TCP. It is even, and the three above it are free too. No
/// process is given the same one twice before all others, so what was given is kept while its program is away.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] when all are taken.
pub fn free_address() -> io::Result<SocketAddr> {
    for _ in 0..PLACES {
        let nth =
            process::id().wrapping_mul(OF_ONE_PROCESS).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = FROM + STEP * u16::try_from(nth % PLACES).unwrap_or_default();
        if (port..port + STEP).all(is_free) {
            return Ok((Ipv4Addr::LOCALHOST, port).into());
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port of loopback is free from 30000 to 32767"))
}

fn is_free(port: u16) -> bool {
    let at = (Ipv4Addr::LOCALHOST, port);
    UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_address_is_given_twice_or_in_the_kernels_range() {
        let given: BTreeSet<_> = (0..200).map(|_| free_address().unwrap().port()).collect();
        assert_eq!(given.len(), 200);
        let kernels = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let kernels: Vec<u16> = kernels.split_whitespace().map(|port| port.parse().unwrap()).collect();
        for port in given {
            assert!(port.is_multiple_of(2) && !(kernels[0]..=kernels[1]).contains(&port), "{port}");
        }
    }

    #[test]
    fn a_port_that_is_taken_for_either_is_given_to_nobody() {
        let (udp, tcp) = (free_address().unwrap(), free_address().unwrap());
        let _held = (UdpSocket::bind(udp).unwrap(), TcpListener::bind(tcp).unwrap());
        let given: BTreeSet<_> = (0..2 * PLACES).filter_map(|_| free_address().ok()).collect();
        assert!(given.len() > 300 && !given.contains(&udp) && !given.contains(&tcp));
    }
}
