//! A bad network between a LiveKit server and those in its rooms: a proxy for media that stands at the address that the server names as its
//! own (`scripts/livekit/run.sh --proxy`). It loses and delays packets both ways, each side's by its own rules, and can move a side to
//! another address.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{net::UdpSocket, task::JoinHandle};
use vox_livekit::{Impair, Impairment};

/// Larger than any packet of media.
const PACKET_BYTES: usize = 2_048;

/// Whose packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Caller,
    Worker,
}

/// The proxy; it ends with this value.
pub(super) struct Relay {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// Where the proxy stands.
    near: UdpSocket,
    /// Where the server is.
    server: SocketAddr,
    side_of: fn(SocketAddr) -> Side,
    caller: Option<Impair>,
    worker: Option<Impair>,
    flows: Mutex<HashMap<SocketAddr, Flow>>,
    /// Packets that came to the proxy, from either end.
    passed: AtomicU64,
    /// The last byte of the address from which the server is reached: another network has another one.
    host: Mutex<HashMap<Side, u8>>,
}

/// One socket of a client, as the server sees it.
struct Flow {
    side: Side,
    far: Arc<UdpSocket>,
    back: JoinHandle<()>,
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.back.abort();
    }
}

impl Relay {
    /// Stand at `near` before the server's media at `server`. `side_of` tells whose a client's address is; each side's network is as bad
    /// as said.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(super) async fn start(
        near: SocketAddr,
        server: SocketAddr,
        side_of: fn(SocketAddr) -> Side,
        [caller, worker]: [Option<Impairment>; 2],
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            near: UdpSocket::bind(near).await?,
            server,
            side_of,
            caller: caller.map(Impair::new),
            worker: worker.map(Impair::new),
            flows: Mutex::default(),
            passed: AtomicU64::new(0),
            host: Mutex::default(),
        });
        let task = tokio::spawn(listen(shared.clone()));
        Ok(Self { shared, task })
    }

    /// This side is on another network from now on: the server sees its packets come from another address, and what it sends to the old
    /// one is lost.
    pub(super) fn moves(&self, side: Side) {
        *self.shared.hosts().entry(side).or_insert(HOME) += 1;
        self.shared.flows().retain(|_, flow| flow.side != side);
    }

    /// Packets so far.
    pub(super) fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.flows().clear();
    }
}

/// The last byte of the address before anybody moved.
const HOME: u8 = 1;

impl Shared {
    fn flows(&self) -> MutexGuard<'_, HashMap<SocketAddr, Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<Side, u8>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn impair(&self, side: Side) -> Option<&Impair> {
        match side {
            Side::Caller => self.caller.as_ref(),
            Side::Worker => self.worker.as_ref(),
        }
    }

    /// The socket that stands for this client towards the server.
    async fn flow(self: &Arc<Self>, client: SocketAddr) -> io::Result<(Side, Arc<UdpSocket>)> {
        if let Some(flow) = self.flows().get(&client) {
            return Ok((flow.side, flow.far.clone()));
        }
        let side = (self.side_of)(client);
        let host = self.hosts().get(&side).copied().unwrap_or(HOME);
        let far = Arc::new(UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).await?);
        far.connect(self.server).await?;
        let back = tokio::spawn(answer(self.clone(), client, side, far.clone()));
        self.flows().insert(client, Flow { side, far: far.clone(), back });
        Ok((side, far))
    }
}

/// From clients to the server.
async fn listen(shared: Arc<Shared>) {
    let mut buffer = [0; PACKET_BYTES];
    loop {
        // A refusal that an earlier packet brought on is told here, and is no end.
        let Ok((length, client)) = shared.near.recv_from(&mut buffer).await else { continue };
        shared.passed.fetch_add(1, Ordering::Relaxed);
        // Without a socket the packet is lost, as on any network.
        let Ok((side, far)) = shared.flow(client).await else { continue };
        let packet = buffer[..length].to_vec();
        pass(shared.impair(side), async move { _ = far.send(&packet).await });
    }
}

/// From the server to one client.
async fn answer(shared: Arc<Shared>, client: SocketAddr, side: Side, far: Arc<UdpSocket>) {
    let mut buffer = [0; PACKET_BYTES];
    loop {
        // The server may be away: then this is told of what was sent to it.
        let Ok(length) = far.recv(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        shared.passed.fetch_add(1, Ordering::Relaxed);
        let (packet, shared) = (buffer[..length].to_vec(), shared.clone());
        let impair = shared.impair(side).cloned();
        pass(impair.as_ref(), async move { _ = shared.near.send_to(&packet, client).await });
    }
}

fn pass(impair: Option<&Impair>, passes: impl Future<Output = ()> + Send + 'static) {
    match impair {
        Some(impair) => impair.pass(passes),
        None => drop(tokio::spawn(passes)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    async fn at(host: u8) -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).await.unwrap()
    }

    async fn receives(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 64];
        let (length, from) = timeout(SOON, socket.recv_from(&mut buffer)).await.expect("a packet").unwrap();
        (buffer[..length].to_vec(), from)
    }

    /// 127.0.0.7 is the worker's, everything else the caller's.
    fn side_of(client: SocketAddr) -> Side {
        if client.ip() == Ipv4Addr::new(127, 0, 0, 7) { Side::Worker } else { Side::Caller }
    }

    async fn relay(server: &UdpSocket, lines: [Option<Impairment>; 2]) -> (Relay, SocketAddr) {
        let near = at(9).await.local_addr().unwrap();
        let relay = Relay::start(near, server.local_addr().unwrap(), side_of, lines).await.unwrap();
        (relay, near)
    }

    #[tokio::test]
    async fn packets_pass_both_ways_and_a_side_that_moves_comes_from_elsewhere() {
        let (server, caller, worker) = (at(1).await, at(1).await, at(7).await);
        let (relay, near) = relay(&server, [None, None]).await;
        caller.send_to(b"a", near).await.unwrap();
        let (packet, home) = receives(&server).await;
        assert_eq!(packet, b"a");
        server.send_to(b"b", home).await.unwrap();
        assert_eq!(receives(&caller).await, (b"b".to_vec(), near));
        worker.send_to(b"w", near).await.unwrap();
        let (_, workers) = receives(&server).await;

        relay.moves(Side::Caller);
        caller.send_to(b"c", near).await.unwrap();
        let (_, away) = receives(&server).await;
        assert!(away != home && away.ip() == Ipv4Addr::new(127, 0, 0, 2), "{away}");
        worker.send_to(b"x", near).await.unwrap();
        assert_eq!(receives(&server).await.1, workers, "nobody else moved");
        // What goes to the old address is lost, and the next one arrives.
        server.send_to(b"lost", home).await.unwrap();
        server.send_to(b"d", away).await.unwrap();
        assert_eq!(receives(&caller).await.0, b"d");
        assert_eq!(relay.passed(), 6);
    }

    #[tokio::test]
    async fn each_side_has_its_own_network() {
        let (server, caller, worker) = (at(1).await, at(1).await, at(7).await);
        let all = Impairment { loss_percent: 100, jitter: Duration::ZERO, seed: 1 };
        let (_relay, near) = relay(&server, [Some(all), None]).await;
        caller.send_to(b"lost", near).await.unwrap();
        worker.send_to(b"comes", near).await.unwrap();
        assert_eq!(receives(&server).await.0, b"comes");
    }
}
