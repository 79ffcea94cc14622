//! What the three scripted vendors share: the listening server, the request count, and the record of what happened.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, http::HeaderMap};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};
use vox_shared::clock::Clock;

use super::{
    faults::{Cut, Dice, Faults},
    observe::{Ending, Exchange, MAX_EXCHANGES, Observed},
    wire::{FaultListener, Wire, WireOf, Wires},
};

/// The key a server accepts unless its script names another.
pub const DEFAULT_API_KEY: &str = "test-key";
/// How long [`Server::assert_no_leftovers`](super::server::Server::assert_no_leftovers) waits for clients to leave.
const LEFTOVER_GRACE: Duration = Duration::from_secs(10);
/// The largest request body or client message accepted.
pub(crate) const MAX_CLIENT_BYTES: usize = 16 * 1024 * 1024;

/// Why a scripted vendor did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port asked for; 0 means any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
}

/// A running server and all it knows. `S` is the vendor's script.
pub(crate) struct Host<S> {
    address: SocketAddr,
    pub(crate) shared: Arc<Shared<S>>,
    wires: Wires,
    task: JoinHandle<()>,
}

/// The state that handlers see.
pub struct Shared<S> {
    pub(crate) clock: Clock,
    settings: Mutex<Settings<S>>,
    log: Mutex<Log>,
    left: Notify,
}

struct Settings<S> {
    script: Arc<S>,
    faults: Faults,
    requests: u32,
    dice: Dice,
}

#[derive(Default)]
struct Log {
    observed: Observed,
    open: u32,
}

impl<S: Send + Sync + 'static> Host<S> {
    /// Listen on loopback; port 0 picks a free one.
    pub(crate) async fn start(
        (script, faults): (S, Faults),
        port: u16,
        routes: impl FnOnce(Arc<Shared<S>>) -> Router,
    ) -> Result<Self, StartError> {
        let wires = Wires::default();
        let listen = |source| StartError::Listen { port, source };
        let listener = FaultListener::bind(port, wires.clone()).await.map_err(listen)?;
        let address = listener.address().map_err(listen)?;
        let dice = Dice::new(faults.seed ^ 0x5eed);
        let settings = Mutex::new(Settings { script: Arc::new(script), faults, requests: 0, dice });
        let shared =
            Arc::new(Shared { clock: Clock::system(), settings, log: Mutex::default(), left: Notify::new() });
        let app = routes(shared.clone()).into_make_service_with_connect_info::<WireOf>();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "scripted vendor stopped");
            }
        });
        Ok(Self { address, shared, wires, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Wait for the clients to leave, then fail if any exchange is still under way.
    pub(crate) async fn assert_no_leftovers(&self) {
        let deadline = Instant::now() + LEFTOVER_GRACE;
        loop {
            let left = self.shared.left.notified();
            let open = self.shared.log().open;
            if open == 0 {
                return;
            }
            if tokio::time::timeout_at(deadline, left).await.is_err() {
                let paths = self.shared.open_paths();
                panic!("{open} exchange(s) still open at the scripted vendor: {paths:?}");
            }
        }
    }

    /// TCP connections that are open now, idle ones of a client's pool included.
    pub(crate) fn open_connections(&self) -> usize {
        self.wires.open()
    }
}

impl<S> Drop for Host<S> {
    fn drop(&mut self) {
        self.task.abort();
        self.wires.reset_all();
    }
}

impl<S> Shared<S> {
    /// The script as it stands now; a session keeps the one it began with.
    pub(crate) fn script(&self) -> Arc<S> {
        self.settings().script.clone()
    }

    pub(crate) fn set_script(&self, script: S) {
        self.settings().script = Arc::new(script);
    }

    /// Replace the faults and count requests anew.
    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut settings = self.settings();
        settings.faults = faults;
        settings.requests = 0;
    }

    pub(crate) fn observed(&self) -> Observed {
        self.log().observed.clone()
    }

    /// A fresh identifier for a request, a session or a message.
    pub(crate) fn new_id(&self) -> String {
        self.settings().dice.uuid()
    }

    /// Begin the record of a request that counts for `fail_first` and `after`.
    pub(crate) fn begin(self: &Arc<Self>, ask: Ask) -> Record
    where
        S: Send + Sync + 'static,
    {
        let (faults, index) = {
            let mut settings = self.settings();
            let index = settings.requests;
            settings.requests += 1;
            (settings.faults.for_request(index), index)
        };
        self.record(ask, faults, index)
    }

    /// Begin the record of a request that suffers the faults of the moment without counting.
    pub(crate) fn begin_uncounted(self: &Arc<Self>, ask: Ask) -> Record
    where
        S: Send + Sync + 'static,
    {
        let (faults, index) = {
            let settings = self.settings();
            (settings.faults.for_request(settings.requests), settings.requests)
        };
        self.record(ask, faults, index)
    }

    fn record(self: &Arc<Self>, ask: Ask, faults: Faults, index: u32) -> Record
    where
        S: Send + Sync + 'static,
    {
        let mut log = self.log();
        log.open += 1;
        let slot = log.observed.exchanges.len();
        if slot < MAX_EXCHANGES {
            let exchange = Exchange { path: ask.path, query: ask.query, ..Exchange::default() };
            log.observed.exchanges.push(exchange);
        } else {
            log.observed.not_kept += 1;
        }
        drop(log);
        let dice = Dice::new(faults.seed.wrapping_add(u64::from(index).wrapping_mul(0x1_0001)));
        Record { log: self.clone(), slot, index, faults, dice, wire: ask.wire, began: Instant::now() }
    }

    fn open_paths(&self) -> Vec<String> {
        let log = self.log();
        log.observed.exchanges.iter().filter(|one| one.ended.is_none()).map(|one| one.path.clone()).collect()
    }

    fn settings(&self) -> MutexGuard<'_, Settings<S>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a request before it is served.
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) wire: Arc<Wire>,
}

impl Ask {
    pub(crate) fn new(uri: &http::Uri, wire: WireOf) -> Self {
        Self { path: uri.path().to_owned(), query: pairs(uri.query().unwrap_or_default()), wire: wire.0 }
    }
}

/// The decoded pairs of a query string.
fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The erased side of [`Shared`] that a record writes to.
trait Logbook: Send + Sync {
    fn edit(&self, slot: usize, edit: &mut dyn FnMut(&mut Exchange));
    fn leave(&self, slot: usize);
}

impl<S: Send + Sync> Logbook for Shared<S> {
    fn edit(&self, slot: usize, edit: &mut dyn FnMut(&mut Exchange)) {
        if let Some(exchange) = self.log().observed.exchanges.get_mut(slot) {
            edit(exchange);
        }
    }

    fn leave(&self, slot: usize) {
        let mut log = self.log();
        log.open -= 1;
        if let Some(exchange) = log.observed.exchanges.get_mut(slot) {
            exchange.ended.get_or_insert(Ending::Dropped);
        }
        drop(log);
        self.left.notify_waiters();
    }
}

/// One exchange under way: its faults, and the pen that records it. Dropping it ends the exchange.
pub(crate) struct Record {
    log: Arc<dyn Logbook>,
    slot: usize,
    /// Which request of the server this is, from 0.
    pub(crate) index: u32,
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    pub(crate) wire: Arc<Wire>,
    pub(crate) began: Instant,
}

impl Record {
    pub(crate) fn edit(&self, mut edit: impl FnMut(&mut Exchange)) {
        self.log.edit(self.slot, &mut edit);
    }

    /// Note a clear breach of the protocol.
    pub(crate) fn violation(&self, what: impl Into<String>) {
        let what = what.into();
        self.edit(|exchange| exchange.violations.push(what.clone()));
    }

    /// Note something the vendor tolerates and a good client avoids; once, however often it happens.
    pub(crate) fn note(&self, what: impl Into<String>) {
        let what = what.into();
        self.edit(|exchange| {
            if !exchange.notes.contains(&what) {
                exchange.notes.push(what.clone());
            }
        });
    }

    pub(crate) fn status(&self, status: u16) {
        self.edit(|exchange| exchange.status = Some(status));
    }

    /// The first ending counts.
    pub(crate) fn ended(&self, ending: Ending) {
        self.edit(|exchange| {
            exchange.ended.get_or_insert_with(|| ending.clone());
        });
    }

    /// Set the connection-level faults going and wait out the delay before the head.
    pub(crate) async fn before_head(&mut self) {
        let cut_bytes = match self.faults.cut_after {
            Some(Cut::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        self.wire.limit(self.faults.drip_bytes_per_s, cut_bytes);
        if self.faults.accept_delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.faults.accept_delay_ms)).await;
        }
    }

    /// A random part of the configured jitter.
    pub(crate) fn jitter(&mut self) -> Duration {
        Duration::from_millis(self.dice.up_to(self.faults.jitter_ms))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.log.leave(self.slot);
    }
}

/// The headers of a refusal that the fault asks for.
pub(crate) fn add_retry_after(headers: &mut HeaderMap, faults: &Faults) {
    if let (Some(_), Some(wait_ms)) = (faults.status, faults.retry_after_ms) {
        headers.insert("retry-after", http::HeaderValue::from(wait_ms.div_ceil(1000)));
        headers.insert("retry-after-ms", http::HeaderValue::from(wait_ms));
    }
}
