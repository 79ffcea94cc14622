//! A TCP proxy on loopback that breaks connections on command: latency, a rate limit, black holes, resets.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::vendor::Dice;

/// One read; also the unit in which delays and the rate limit act.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks under way in one direction; a slow link holds this much and then pushes back.
const IN_FLIGHT: usize = 64;
/// Bytes that the kernel takes of a client ahead of us.
const RECEIVE_BUFFER: u32 = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// The target must accept within this.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// The proxy; dropping it cuts every connection and frees the port.
pub struct ChaosProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// How the link behaves, for chunks that arrive from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Delay of every chunk, each way.
    pub latency: Duration,
    /// A random addition to it, up to this.
    pub jitter: Duration,
    /// Bytes in a second, each way; unlimited when absent.
    pub bytes_per_s: Option<u64>,
    /// Forward nothing and close nothing: both sides see a silent peer.
    pub paused: bool,
    /// Reset new connections as soon as they are accepted.
    pub refuse: bool,
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted, refused ones included.
    pub accepted: u64,
    /// Connections refused.
    pub refused: u64,
    /// Connections cut by a command.
    pub cut: u64,
    /// Bytes forwarded from clients to the target.
    pub upstream_bytes: u64,
    /// Bytes forwarded from the target to clients.
    pub downstream_bytes: u64,
    /// Connections open now.
    pub open: usize,
}

struct Shared {
    target: SocketAddr,
    conditions: watch::Sender<Conditions>,
    /// Counts cuts; a connection that sees it change is reset.
    cuts: watch::Sender<u64>,
    /// Bytes that may still pass, all connections together, before everything is cut.
    budget: Mutex<Option<u64>>,
    dice: Mutex<Dice>,
    accepted: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    upstream: AtomicU64,
    downstream: AtomicU64,
    open: AtomicUsize,
}

impl ChaosProxy {
    /// Proxy a free loopback port to `target`.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Its connections inherit it. Left to itself the kernel takes megabytes at once, which no slow line does.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind((std::net::Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            conditions: watch::Sender::new(Conditions::default()),
            cuts: watch::Sender::new(0),
            budget: Mutex::new(None),
            dice: Mutex::new(Dice::new(u64::from(target.port()))),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            upstream: AtomicU64::new(0),
            downstream: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, task })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, for a target that speaks HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replace the conditions of the link.
    pub fn set(&self, conditions: Conditions) {
        self.shared.conditions.send_replace(conditions);
    }

    /// Change some of the conditions.
    pub fn change(&self, edit: impl FnOnce(&mut Conditions)) {
        self.shared.conditions.send_modify(edit);
    }

    /// Forward nothing from now on, with every connection left open.
    pub fn pause(&self) {
        self.change(|conditions| conditions.paused = true);
    }

    /// Forward again, what was held back first.
    pub fn resume(&self) {
        self.change(|conditions| conditions.paused = false);
    }

    /// Reset every open connection, on both sides.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Reset every open connection once this many more bytes have passed, both ways together.
    pub fn cut_after(&self, bytes: u64) {
        *self.shared.budget() = Some(bytes);
    }

    /// Seed the jitter.
    pub fn seed(&self, seed: u64) {
        *self.shared.dice.lock().unwrap_or_else(PoisonError::into_inner) = Dice::new(seed);
    }

    /// What has passed so far.
    pub fn counters(&self) -> Counters {
        let shared = &self.shared;
        Counters {
            accepted: shared.accepted.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            cut: shared.cut.load(Ordering::Relaxed),
            upstream_bytes: shared.upstream.load(Ordering::Relaxed),
            downstream_bytes: shared.downstream.load(Ordering::Relaxed),
            open: shared.open.load(Ordering::Relaxed),
        }
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.cut();
    }
}

impl Shared {
    fn cut(&self) {
        self.cut.fetch_add(self.open.load(Ordering::Relaxed) as u64, Ordering::Relaxed);
        self.cuts.send_modify(|count| *count += 1);
    }

    fn budget(&self) -> MutexGuard<'_, Option<u64>> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of these bytes may pass; fewer than asked means that the cut is due after them.
    fn allowance(&self, wanted: usize) -> usize {
        match &mut *self.budget() {
            None => wanted,
            Some(left) => {
                let granted = wanted.min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= granted as u64;
                granted
            }
        }
    }

    fn is_spent(&self) -> bool {
        *self.budget() == Some(0)
    }

    fn delay(&self, conditions: &Conditions) -> Duration {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let jitter_us = dice.up_to(conditions.jitter.as_micros() as u64);
        conditions.latency + Duration::from_micros(jitter_us)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        if shared.conditions.borrow().refuse {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            reset(&client);
            continue;
        }
        tokio::spawn(connection(client, shared.clone()));
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>) {
    let cuts = shared.cuts.subscribe();
    shared.open.fetch_add(1, Ordering::Relaxed);
    let connecting = tokio::time::timeout(CONNECT_DEADLINE, TcpStream::connect(shared.target)).await;
    if let Ok(Ok(target)) = connecting {
        join(client, target, &shared, cuts).await;
    } else {
        reset(&client);
    }
    shared.open.fetch_sub(1, Ordering::Relaxed);
}

/// Forward both ways until both sides have ended, or a cut.
async fn join(client: TcpStream, target: TcpStream, shared: &Arc<Shared>, mut cuts: watch::Receiver<u64>) {
    for stream in [&client, &target] {
        // Only latency is at stake.
        let _ = stream.set_nodelay(true);
    }
    let (client_in, client_out) = client.into_split();
    let (target_in, target_out) = target.into_split();
    let ended = {
        let up = forward(client_in, target_out, shared, &shared.upstream);
        let down = forward(target_in, client_out, shared, &shared.downstream);
        tokio::select! {
            (up, down) = async { tokio::join!(up, down) } => Some((up, down)),
            _ = cuts.changed() => None,
        }
    };
    // Dropped halves close the sockets; with zero linger (set by `forward` on every exit) that is a reset.
    drop(ended);
}

/// One direction: a reader that stamps each chunk with its due time, and a writer that waits for it.
async fn forward(from: OwnedReadHalf, to: OwnedWriteHalf, shared: &Arc<Shared>, count: &AtomicU64) -> Pair {
    let mut pair = Pair { from, to: Some(to), graceful: false };
    let (queue, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
    let from = &mut pair.from;
    let to = pair.to.as_mut().expect("taken only when dropped");
    let reading = async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) => return true,
                Ok(read) => {
                    let delay = shared.delay(&shared.conditions.borrow());
                    if queue.send((Instant::now() + delay, buffer[..read].to_vec())).await.is_err() {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    };
    let writing = async {
        let mut conditions = shared.conditions.subscribe();
        while let Some((at, bytes)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            if conditions.wait_for(|now| !now.paused).await.is_err() {
                return false;
            }
            let granted = shared.allowance(bytes.len());
            if to.write_all(&bytes[..granted]).await.is_err() {
                return false;
            }
            count.fetch_add(granted as u64, Ordering::Relaxed);
            if shared.is_spent() {
                *shared.budget() = None;
                shared.cut();
                std::future::pending::<()>().await;
            }
            let rate = conditions.borrow().bytes_per_s;
            if let Some(rate) = rate {
                tokio::time::sleep(Duration::from_secs_f64(granted as f64 / rate.max(1) as f64)).await;
            }
        }
        to.shutdown().await.is_ok()
    };
    let (read_to_end, written) = tokio::join!(reading, writing);
    pair.graceful = read_to_end && written;
    pair
}

/// The halves of one direction. Unless both ends closed in an orderly way, dropping it resets them.
struct Pair {
    from: OwnedReadHalf,
    to: Option<OwnedWriteHalf>,
    graceful: bool,
}

impl Drop for Pair {
    fn drop(&mut self) {
        let Some(to) = self.to.take().filter(|_| !self.graceful) else { return };
        reset(self.from.as_ref());
        reset(to.as_ref());
        // A dropped write half says goodbye with a FIN; a cut must not.
        to.forget();
    }
}

fn reset(stream: &TcpStream) {
    // Without it the close is an orderly one, which still ends the connection.
    let _ = stream.set_zero_linger();
}
