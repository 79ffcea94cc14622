//! Scripted workers: they register with the bridge, take `POST /attach`, sit in the carrier's rooms and tell the bridge what became of
//! their calls, all as real ones do, and speak with nobody. One call each, as a real one.

mod attach;
mod bridge;
mod call;
mod order;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vox_shared::ids::{SessionId, WorkerId};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::fleet::WorkerReport;

use super::hooks::client;
use super::{Exchange, Inner};
use crate::vendor::Dice;
use bridge::Bridge;

/// Renewal, and what follows a failure.
const RENEW_EVERY: Duration = Duration::from_secs(5);
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// What the workers are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// The bridge, without a path.
    pub bridge: String,
    /// The deployment's secret for workers.
    pub secret: String,
    pub workers: u32,
    /// The machine that they say they are on.
    pub host: String,
    /// From the order to READY, at most; drawn evenly.
    pub ready_ms: u64,
    /// Shares of calls: whose worker is never READY; in which it says nothing after the answer; in which it dies while it speaks, and
    /// its result never comes.
    pub never_ready: f64,
    pub mute: f64,
    pub dies: f64,
    /// How long a machine is listened to before it is hung up.
    pub verdict_ms: u64,
    pub seed: u64,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            bridge: "http://127.0.0.1:8080".into(),
            secret: String::new(),
            workers: 4,
            host: "simulated".into(),
            ready_ms: 300,
            never_ready: 0.0,
            mute: 0.0,
            dies: 0.0,
            verdict_ms: 3_000,
            seed: 0,
        }
    }
}

/// How the workers' calls went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CrewCounts {
    pub taken: u64,
    pub refused: u64,
    /// READY was told.
    pub ready: u64,
    /// They spoke with somebody.
    pub spoke: u64,
    /// Results that the bridge has.
    pub delivered: u64,
    /// Results that it will never take, and why the first of them.
    pub rejected: u64,
    pub first_rejection: Option<String>,
    pub busy: usize,
}

/// Workers that serve until they are dropped.
#[derive(Debug)]
pub struct Crew {
    shared: Arc<Shared>,
    workers: Vec<Arc<Worker>>,
    tasks: Vec<JoinHandle<()>>,
    results: TaskTracker,
}

/// What all of them share.
#[derive(Debug)]
struct Shared {
    carrier: Arc<Inner>,
    orders: Orders,
    bridge: Bridge,
    chance: Mutex<Dice>,
    counts: Mutex<CrewCounts>,
    results: TaskTracker,
    stop: CancellationToken,
}

/// One of them.
#[derive(Debug)]
struct Worker {
    id: WorkerId,
    address: SocketAddr,
    /// The call that it has.
    slot: watch::Sender<Option<SessionId>>,
    shared: Arc<Shared>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum CrewError {
    #[error("cannot make an HTTP client for the workers")]
    Client(#[from] reqwest::Error),
    #[error("a worker finds no port on loopback")]
    Listen(#[source] io::Error),
}

impl Crew {
    /// Begin to work in this carrier's rooms.
    ///
    /// # Errors
    /// When loopback has no ports left, or no HTTP client can be had.
    pub async fn start(exchange: &Exchange, orders: Orders) -> Result<Self, CrewError> {
        let results = TaskTracker::new();
        let shared = Arc::new(Shared {
            carrier: exchange.inner.clone(),
            bridge: Bridge::new(client()?, &orders),
            chance: Mutex::new(Dice::new(orders.seed ^ 0x6372_6577)),
            counts: Mutex::default(),
            results: results.clone(),
            stop: CancellationToken::new(),
            orders,
        });
        let mut crew = Self { shared: shared.clone(), workers: Vec::new(), tasks: Vec::new(), results };
        for _ in 0..shared.orders.workers {
            crew.hire().await.map_err(CrewError::Listen)?;
        }
        Ok(crew)
    }

    async fn hire(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let worker = Arc::new(Worker {
            id: WorkerId::generate(),
            address: listener.local_addr()?,
            slot: watch::channel(None).0,
            shared: self.shared.clone(),
        });
        let app = Router::new().route("/attach", post(attach::take)).with_state(worker.clone());
        self.tasks.push(tokio::spawn(async move {
            // It ends when it is dropped.
            let _ended = axum::serve(listener, app).await;
        }));
        self.tasks.push(tokio::spawn(worker.clone().register()));
        self.workers.push(worker);
        Ok(())
    }

    pub fn counts(&self) -> CrewCounts {
        let busy = self.workers.iter().filter(|worker| worker.slot.borrow().is_some()).count();
        CrewCounts { busy, ..self.shared.counts().clone() }
    }

    /// Take no more calls, and deliver what is owed for so long.
    pub async fn stop(self, within: Duration) {
        self.shared.stop.cancel();
        self.results.close();
        // What is not delivered by then is owed to a bridge that is not there.
        let _owed = timeout(within, self.results.wait()).await;
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, CrewCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something happens that has this chance.
    fn happens(&self, chance: f64) -> bool {
        let mut dice = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        ((dice.roll() >> 11) as f64 / (1u64 << 53) as f64) < chance
    }

    fn up_to(&self, ms: u64) -> Duration {
        let mut dice = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(dice.up_to(ms))
    }
}

impl Worker {
    /// Register, and renew at each change and every few seconds.
    async fn register(self: Arc<Self>) {
        let mut changes = self.slot.subscribe();
        loop {
            changes.mark_unchanged();
            let pause = match self.shared.bridge.register(&self.report()).await {
                true => RENEW_EVERY,
                false => RETRY_EVERY,
            };
            // Whether it changed or the time is over.
            let _either = timeout(pause, changes.changed()).await;
        }
    }

    fn report(&self) -> WorkerReport {
        let session_id = self.slot.borrow().clone();
        WorkerReport {
            version: WIRE_VERSION,
            worker_id: self.id.clone(),
            host: self.shared.orders.host.clone(),
            address: format!("http://{}", self.address),
            slots: 1,
            calls: u32::from(session_id.is_some()),
            build: env!("CARGO_PKG_VERSION").into(),
            draining: self.shared.stop.is_cancelled(),
            pid: std::process::id(),
            session_id,
            takes_orders: false,
            seats_supervisors: false,
            outbox_depth: self.shared.results.len() as u64,
            outbox_oldest_seconds: 0.0,
            outbox_rejected: self.shared.counts().rejected,
            vendors: Vec::new(),
            permits: Vec::new(),
        }
    }
}
