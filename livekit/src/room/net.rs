//! Sockets for media: UDP, TCP with frames (RFC 4571), and relays. Each is read by a task of its own into one bounded queue.

mod relays;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use str0m::net::{Protocol, Transmit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::impair::Impair;
use super::inbound::{Inbound, RelayId};
use crate::options::{Impairment, Transport};
use crate::turn::Server;
use crate::wire::signal::Target;
use relays::Relays;

pub use relays::RelayStats;

/// Packets that wait to be looked at; the system keeps some more.
const INBOUND: usize = 512;
/// Packets that wait for a TCP connection to take them.
const OUTBOUND: usize = 128;
/// Larger than any path takes.
const PACKET: usize = 2048;
/// UDP goes first: so long after it, TCP is tried too.
const TCP_AFTER: Duration = Duration::from_millis(1500);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

struct Udp {
    target: Target,
    local: SocketAddr,
    socket: Arc<UdpSocket>,
}

struct Tcp {
    target: Target,
    local: SocketAddr,
    remote: SocketAddr,
    outgoing: mpsc::Sender<Vec<u8>>,
}

/// All sockets of a session. Dropping it closes them.
pub(crate) struct Net {
    transport: Transport,
    impair: Option<Impair>,
    inbound: mpsc::Sender<Inbound>,
    pub received: mpsc::Receiver<Inbound>,
    udp: Vec<Udp>,
    tcp: Vec<Tcp>,
    /// Where TCP is tried or stands.
    tried: Vec<(Target, SocketAddr)>,
    relays: Relays,
    tasks: JoinSet<()>,
}

impl Net {
    pub(crate) fn new(transport: Transport, impairment: Option<Impairment>) -> Self {
        let (inbound, received) = mpsc::channel(INBOUND);
        Self {
            transport,
            impair: impairment.map(Impair::new),
            inbound,
            received,
            udp: Vec::new(),
            tcp: Vec::new(),
            tried: Vec::new(),
            relays: Relays::default(),
            tasks: JoinSet::new(),
        }
    }

    /// A UDP socket for this connection at this address of ours; where it is. One that is there already is not made again.
    pub(crate) async fn bind(
        &mut self,
        target: Target,
        local: IpAddr,
    ) -> std::io::Result<Option<SocketAddr>> {
        if matches!(self.transport, Transport::Tcp | Transport::Relay) {
            return Ok(None);
        }
        if self.udp.iter().any(|udp| udp.target == target && udp.local.ip() == local) {
            return Ok(None);
        }
        let socket = Arc::new(UdpSocket::bind((local, 0)).await?);
        let local = socket.local_addr()?;
        self.udp.push(Udp { target, local, socket: Arc::clone(&socket) });
        let (inbound, impair) = (self.inbound.clone(), self.impair.clone());
        self.tasks.spawn(async move {
            let mut buffer = vec![0; PACKET];
            loop {
                // A refusal that another packet brought on is told here, and is no end.
                let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
                let bytes = buffer[..length].to_vec();
                let packet = Inbound::Packet { target, proto: Protocol::Udp, from, to: local, bytes };
                let Some(impair) = &impair else {
                    if inbound.send(packet).await.is_err() {
                        return;
                    }
                    continue;
                };
                let inbound = inbound.clone();
                impair.pass(async move {
                    let _gone = inbound.send(packet).await;
                });
            }
        });
        Ok(Some(local))
    }

    /// The server may be reached there. A new address of ours, if a socket had to be made.
    pub(crate) async fn reach(
        &mut self,
        target: Target,
        proto: Protocol,
        remote: SocketAddr,
    ) -> Option<SocketAddr> {
        if proto == Protocol::Tcp {
            self.connect(target, remote);
            return None;
        }
        let local = way_to(remote).await.ok()?;
        self.bind(target, local).await.ok().flatten()
    }

    /// A TCP connection stands.
    pub(crate) fn connected(
        &mut self,
        target: Target,
        local: SocketAddr,
        remote: SocketAddr,
        outgoing: mpsc::Sender<Vec<u8>>,
    ) {
        self.tcp.push(Tcp { target, local, remote, outgoing });
    }

    /// A TCP connection is no more. When the server names its address again, which it does after every search for a way, it is tried again.
    pub(crate) fn closed(&mut self, target: Target, remote: SocketAddr) {
        self.tcp.retain(|tcp| tcp.target != target || tcp.remote != remote);
        self.tried.retain(|tried| *tried != (target, remote));
        while self.tasks.try_join_next().is_some() {}
    }

    /// Have relays for this connection, in place of those that it had.
    pub(crate) fn relay(
        &mut self,
        target: Target,
        servers: Vec<Server>,
        tls: Option<&Arc<rustls::ClientConfig>>,
    ) {
        self.relays.begin(target, servers, tls, &self.inbound);
    }

    /// A relay stands. Whether it is still wanted.
    pub(crate) fn relay_stands(&mut self, id: RelayId, relayed: SocketAddr) -> bool {
        self.relays.stands(id, relayed)
    }

    /// A relay ended; the address that it had.
    pub(crate) fn relay_ended(&mut self, id: RelayId, why: String) -> Option<SocketAddr> {
        self.relays.ended(id, why)
    }

    /// A packet came to this address of ours.
    pub(crate) fn count(&mut self, target: Target, to: SocketAddr) {
        self.relays.count(target, to);
    }

    pub(crate) fn relay_stats(&self) -> Vec<RelayStats> {
        self.relays.stats()
    }

    /// Send a packet, if its socket is there and takes it: else it is lost, as on any network.
    pub(crate) fn send(&mut self, target: Target, transmit: &Transmit) {
        if transmit.proto == Protocol::Tcp {
            let is_it = |tcp: &&Tcp| {
                tcp.target == target && tcp.local == transmit.source && tcp.remote == transmit.destination
            };
            if let Some(tcp) = self.tcp.iter().find(is_it) {
                let _full = tcp.outgoing.try_send(transmit.contents.to_vec());
            }
            return;
        }
        let Some(udp) = self.udp.iter().find(|udp| udp.target == target && udp.local == transmit.source)
        else {
            self.relays.send(target, transmit.source, transmit.destination, &transmit.contents);
            return;
        };
        let Some(impair) = &self.impair else {
            let _full = udp.socket.try_send_to(&transmit.contents, transmit.destination);
            return;
        };
        let (socket, bytes, to) = (Arc::clone(&udp.socket), transmit.contents.to_vec(), transmit.destination);
        impair.pass(async move {
            let _full = socket.try_send_to(&bytes, to);
        });
    }

    fn connect(&mut self, target: Target, remote: SocketAddr) {
        if self.tried.contains(&(target, remote)) || self.tried.len() >= 16 {
            return;
        }
        self.tried.push((target, remote));
        let wait = if self.transport == Transport::Tcp { Duration::ZERO } else { TCP_AFTER };
        let inbound = self.inbound.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            let connecting = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(remote));
            if let Ok(Ok(stream)) = connecting.await {
                let _ended = carry(stream, target, remote, inbound.clone()).await;
            }
            let _gone = inbound.send(Inbound::Closed { target, remote }).await;
        });
    }
}

/// Our address on the way to the first of these to which there is one: a name may have addresses of a kind that this machine has no way to.
pub(crate) async fn way_to_any(remotes: impl Iterator<Item = SocketAddr>) -> std::io::Result<IpAddr> {
    let mut failed = std::io::Error::new(std::io::ErrorKind::NotFound, "no such name");
    for remote in remotes {
        match way_to(remote).await {
            Ok(local) => return Ok(local),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Our address on the way to another one.
pub(crate) async fn way_to(remote: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await?;
    // No packet is sent by this: the system only looks up the way.
    probe.connect(remote).await?;
    Ok(probe.local_addr()?.ip())
}

/// Carry packets both ways over a connection (RFC 4571: two bytes of length before each).
async fn carry(
    stream: TcpStream,
    target: Target,
    remote: SocketAddr,
    inbound: mpsc::Sender<Inbound>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (mut reader, mut writer) = stream.into_split();
    let (outgoing, mut packets) = mpsc::channel::<Vec<u8>>(OUTBOUND);
    if inbound.send(Inbound::Connected { target, local, remote, outgoing }).await.is_err() {
        return Ok(());
    }
    let write = async {
        while let Some(packet) = packets.recv().await {
            let Ok(length) = u16::try_from(packet.len()) else { continue };
            let mut framed = length.to_be_bytes().to_vec();
            framed.extend_from_slice(&packet);
            writer.write_all(&framed).await?;
        }
        std::io::Result::Ok(())
    };
    let read = async {
        loop {
            let length = reader.read_u16().await?;
            let mut bytes = vec![0; usize::from(length)];
            reader.read_exact(&mut bytes).await?;
            let packet = Inbound::Packet { target, proto: Protocol::Tcp, from: remote, to: local, bytes };
            if inbound.send(packet).await.is_err() {
                return std::io::Result::Ok(());
            }
        }
    };
    tokio::select! {
        ended = write => ended,
        ended = read => ended,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn next(net: &mut Net) -> Inbound {
        let waiting = tokio::time::timeout(Duration::from_secs(10), net.received.recv());
        waiting.await.expect("something comes").expect("the sender is held")
    }

    /// A box in between that ends connections: the same address is reached again.
    #[tokio::test]
    async fn tcp_that_was_lost_is_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let mut net = Net::new(Transport::Tcp, None);
        for _ in 0..2 {
            net.reach(Target::Publisher, Protocol::Tcp, server).await;
            net.reach(Target::Publisher, Protocol::Tcp, server).await;
            let (mut far, _) = listener.accept().await.unwrap();
            let Inbound::Connected { target, local, remote, outgoing } = next(&mut net).await else {
                panic!("one connection")
            };
            net.connected(target, local, remote, outgoing);
            let contents = b"there".to_vec().into();
            let transmit = Transmit { proto: Protocol::Tcp, source: local, destination: remote, contents };
            net.send(target, &transmit);
            let mut framed = [0; 7];
            far.read_exact(&mut framed).await.unwrap();
            assert_eq!(&framed, b"\0\x05there");
            far.write_all(b"\0\0\0\x04back").await.unwrap();
            for expected in [&b""[..], b"back"] {
                assert!(matches!(next(&mut net).await, Inbound::Packet { bytes, .. } if bytes == expected));
            }
            drop(far);
            let Inbound::Closed { target, remote } = next(&mut net).await else { panic!("its end") };
            net.closed(target, remote);
            assert!(net.tcp.is_empty() && net.tried.is_empty());
        }
    }

    /// Where media may go through relays alone, no other packet leaves.
    #[tokio::test]
    async fn with_relays_alone_there_is_no_other_socket() {
        let mut net = Net::new(Transport::Relay, None);
        let here = "127.0.0.1".parse().unwrap();
        assert_eq!(net.bind(Target::Publisher, here).await.unwrap(), None);
        assert_eq!(net.reach(Target::Publisher, Protocol::Udp, "127.0.0.1:9".parse().unwrap()).await, None);
        assert!(net.udp.is_empty() && net.tcp.is_empty());
    }

    /// To broadcast, a socket must be allowed: there is no way for this one.
    #[tokio::test]
    async fn an_address_without_a_way_is_passed_over() {
        let (none, here) = ("255.255.255.255:9".parse().unwrap(), "127.0.0.1:9".parse().unwrap());
        assert_eq!(way_to_any([none, here].into_iter()).await.unwrap(), IpAddr::from([127, 0, 0, 1]));
        assert!(way_to_any([none].into_iter()).await.is_err());
        assert!(way_to_any(std::iter::empty()).await.is_err());
    }
}
