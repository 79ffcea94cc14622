//! One TURN server: a task that holds its socket, asks it for an address, and carries packets between that and the room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use str0m::net::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

use super::inbound::{Inbound, RelayId};
use super::line::{Duplex, system_tls};
use crate::turn::{Carriage, Client, Failure, Frames, Output, Server, Way};
use crate::wire::signal::Target;

/// Name, connection and TLS.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A stream that takes nothing for so long is dead.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// How long giving an address back may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// Larger than any packet with what TURN adds.
const BUFFER: usize = 2048;

/// A relay to be had.
pub(super) struct Wanted {
    pub id: RelayId,
    pub target: Target,
    pub server: Server,
    /// `None` for the system's roots.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// Why there is no relay, or no more.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is not reached: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Turn(#[from] Failure),
    #[error("the connection ended: {0}")]
    Ended(#[from] std::io::Error),
}

/// Have a relay until `packets` is dropped, or the server ends it.
pub(super) async fn run(
    wanted: Wanted,
    inbound: mpsc::Sender<Inbound>,
    mut packets: mpsc::Receiver<(SocketAddr, Vec<u8>)>,
) {
    let (id, target) = (wanted.id, wanted.target);
    let connecting = Box::pin(timeout(CONNECT_WITHIN, Wire::connect(&wanted)));
    let connected = tokio::select! {
        connected = connecting => connected,
        // Nothing is sent before there is an address: who wanted it is gone.
        _gone = packets.recv() => return,
    };
    let late = Err(Fault::Unreachable(format!("no connection within {CONNECT_WITHIN:?}")));
    let ended = match connected.unwrap_or(late) {
        Ok((wire, local)) => {
            Box::pin(Relay { wanted, wire, local, inbound: inbound.clone() }.carry(packets)).await
        }
        Err(fault) => Err(fault),
    };
    if let Err(fault) = ended {
        let _gone = inbound.send(Inbound::RelayEnded { id, target, why: fault.to_string() }).await;
    }
}

struct Relay {
    wanted: Wanted,
    wire: Wire,
    /// Our own address on the way to the server.
    local: SocketAddr,
    inbound: mpsc::Sender<Inbound>,
}

/// What woke the task.
enum Woke {
    Server(std::io::Result<Vec<u8>>),
    Packet(Option<(SocketAddr, Vec<u8>)>),
    Time,
}

impl Relay {
    async fn carry(mut self, mut packets: mpsc::Receiver<(SocketAddr, Vec<u8>)>) -> Result<(), Fault> {
        let carriage = self.wire.carriage();
        let mut client = Client::new(self.wanted.server.credentials.clone(), carriage, Instant::now());
        let mut lent = None;
        loop {
            self.put_out(&mut client, &mut lent).await?;
            let Some(due) = client.due() else { return Ok(()) };
            let woke = tokio::select! {
                bytes = self.wire.receive() => Woke::Server(bytes),
                packet = packets.recv() => Woke::Packet(packet),
                () = sleep_until(due.into()) => Woke::Time,
            };
            match woke {
                Woke::Server(Ok(bytes)) => client.handle(Instant::now(), &bytes),
                // A refusal that one packet brought on is no end of an address that stands.
                Woke::Server(Err(_)) if lent.is_some() && carriage == Carriage::Datagrams => {}
                Woke::Server(Err(error)) => return Err(error.into()),
                Woke::Packet(Some((to, bytes))) => client.send(Instant::now(), to, &bytes),
                Woke::Packet(None) => {
                    client.close();
                    let _late = timeout(FAREWELL, self.put_out(&mut client, &mut lent)).await;
                    return Ok(());
                }
                Woke::Time => client.timeout(Instant::now()),
            }
        }
    }

    /// What the client wants done.
    async fn put_out(&mut self, client: &mut Client, lent: &mut Option<SocketAddr>) -> Result<(), Fault> {
        let (id, target) = (self.wanted.id, self.wanted.target);
        while let Some(output) = client.next_output() {
            let inbound = match output {
                Output::Packet(bytes) => {
                    self.wire.send(&bytes).await?;
                    continue;
                }
                Output::Failed(failure) => return Err(failure.into()),
                Output::Allocated(relayed) => {
                    *lent = Some(relayed);
                    Inbound::Relayed { id, target, local: self.local, relayed }
                }
                Output::Data { from, bytes } => {
                    let Some(to) = *lent else { continue };
                    Inbound::Packet { target, proto: Protocol::Udp, from, to, bytes }
                }
            };
            // Without a reader this task is told to end by its other queue.
            let _gone = self.inbound.send(inbound).await;
        }
        Ok(())
    }
}

/// The way to a TURN server.
enum Wire {
    Datagrams { socket: UdpSocket, buffer: Vec<u8> },
    Stream { stream: Box<dyn Duplex>, frames: Frames, buffer: Vec<u8> },
}

impl Wire {
    /// Open it; our own address there.
    async fn connect(wanted: &Wanted) -> Result<(Self, SocketAddr), Fault> {
        let unreachable = |error: &dyn std::fmt::Display| Fault::Unreachable(error.to_string());
        let server = &wanted.server;
        let place = (server.host.as_str(), server.port);
        let buffer = vec![0; BUFFER];
        if server.way == Way::Udp {
            let socket = connect_any(place).await.map_err(|error| unreachable(&error))?;
            let local = socket.local_addr().map_err(|error| unreachable(&error))?;
            return Ok((Self::Datagrams { socket, buffer }, local));
        }
        let tcp = TcpStream::connect(place).await.map_err(|error| unreachable(&error))?;
        tcp.set_nodelay(true)?;
        let local = tcp.local_addr()?;
        let stream: Box<dyn Duplex> = if server.way == Way::Tls {
            let settings = match &wanted.tls {
                Some(settings) => Arc::clone(settings),
                None => system_tls().map_err(|error| unreachable(&error))?,
            };
            let name = ServerName::try_from(server.host.clone()).map_err(|error| unreachable(&error))?;
            let connector = tokio_rustls::TlsConnector::from(settings);
            Box::new(connector.connect(name, tcp).await.map_err(|error| unreachable(&error))?)
        } else {
            Box::new(tcp)
        };
        Ok((Self::Stream { stream, frames: Frames::default(), buffer }, local))
    }

    const fn carriage(&self) -> Carriage {
        match self {
            Self::Datagrams { .. } => Carriage::Datagrams,
            Self::Stream { .. } => Carriage::Stream,
        }
    }

    /// The next message. Safe to cancel.
    async fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Datagrams { socket, buffer } => {
                let length = socket.recv(buffer).await?;
                Ok(buffer[..length].to_vec())
            }
            Self::Stream { stream, frames, buffer } => loop {
                if let Some(message) = frames.next_message().map_err(std::io::Error::other)? {
                    return Ok(message);
                }
                let length = stream.read(buffer).await?;
                if length == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                frames.push(&buffer[..length]);
            },
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Datagrams { socket, .. } => {
                // What does not go is lost, as on any network: what matters is sent again.
                let _lost = socket.send(bytes).await;
                Ok(())
            }
            Self::Stream { stream, .. } => {
                let sent = async {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                };
                timeout(SEND_WITHIN, sent).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

/// A socket that hears this server alone, at the first of its addresses to which there is a way.
async fn connect_any(place: (&str, u16)) -> std::io::Result<UdpSocket> {
    let mut failed = std::io::Error::new(std::io::ErrorKind::NotFound, "no such name");
    for remote in lookup_host(place).await? {
        let any: SocketAddr =
            if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).await?;
        match socket.connect(remote).await {
            Ok(()) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
