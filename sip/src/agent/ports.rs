//! Ports for sound: an even one for each call (RFC 3550, 11).

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug)]
pub(super) struct Ports {
    listen: IpAddr,
    told: IpAddr,
    first: u16,
    count: u32,
    next: AtomicU32,
}

impl Ports {
    pub(super) fn new(listen: IpAddr, told: IpAddr, range: RangeInclusive<u16>) -> Self {
        let first = range.start().next_multiple_of(2).max(2);
        let count = u32::from(range.end().saturating_sub(first) / 2) + 1;
        // Not the same ones again after a restart: packets of the calls before may still come.
        Self { listen, told, first, count, next: AtomicU32::new(rand::random()) }
    }

    /// A socket, and what others are told to send to.
    pub(super) fn take(&self) -> Option<(UdpSocket, SocketAddr)> {
        (0..self.count).find_map(|_| {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.count;
            let port = self.first + 2 * at as u16;
            let socket = UdpSocket::bind((self.listen, port)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, SocketAddr::new(self.told, port)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn each_call_has_one_and_they_come_back() {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = Ports::new(local, local, 47_301..=47_306);
        let taken: Vec<_> = std::iter::from_fn(|| ports.take()).collect();
        assert!(taken.len() <= 3 && taken.iter().all(|(_, at)| at.port() % 2 == 0), "{taken:?}");
        let had = taken.len();
        drop(taken);
        assert_eq!(std::iter::from_fn(|| ports.take()).collect::<Vec<_>>().len(), had);
    }
}
