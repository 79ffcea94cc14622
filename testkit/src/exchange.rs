//! The simulated carrier: a LiveKit server's API and webhooks with telephones behind it, in which everything can go wrong that goes wrong
//! between a dialler and those whom it calls. There is no sound in it: what becomes of a call is drawn or written down beforehand, so that
//! thousands of calls cost little. It keeps a journal of every INVITE, which [`checker`] reads.
//!
//! A dial joins its room first and sends the INVITE then, and without `auto_create` nobody joins a room that is not there: that is what the
//! dialler relies on. A look whether a room is there and the join are two steps, as in the server.

mod api;
pub mod callees;
mod calls;
pub mod checker;
pub mod crew;
pub mod faults;
mod grants;
mod hooks;
pub mod journal;
mod lines;
mod rooms;
pub mod settings;
mod trunks;
mod twirp;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;

pub use calls::{ATTEMPT_ATTRIBUTE, ATTEMPT_HEADER};
pub use rooms::{Answer, NotJoined};
pub use settings::Settings;

use faults::Plan;
use hooks::Hooks;
use journal::{Journal, What};
use lines::Lines;
use rooms::{Joins, Moment, Person, Place, Rooms, Told, Wanted};
use settings::Trunk;
use trunks::Trunks;

use crate::vendor::Dice;

/// How often rooms are looked at whose time may be over.
const SWEEP_EVERY: Duration = Duration::from_millis(250);

/// Why there is no carrier.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the settings of the carrier are wrong: {0}")]
    Settings(String),
    #[error("the journal {path} cannot be opened")]
    Journal { path: PathBuf, source: io::Error },
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen { port: u16, source: io::Error },
    #[error("cannot make an HTTP client for webhooks")]
    Client(#[from] reqwest::Error),
}

/// A carrier that serves on loopback until it is dropped.
#[derive(Debug)]
pub struct Exchange {
    inner: Arc<Inner>,
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

/// How much there is of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Requests by method, those that went wrong too.
    pub requests: BTreeMap<String, u64>,
    pub rooms: usize,
    /// Calls that ring or are spoken in.
    pub calls: usize,
    /// Webhooks for which there was no room.
    pub hooks_lost: u64,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    journal: Journal,
    clock: Clock,
    hooks: Vec<Hooks>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rooms: Rooms,
    trunks: Trunks,
    lines: Lines,
    /// Of what goes wrong.
    chance: Dice,
    /// Of ids.
    ids: Dice,
    /// Calls of each number until now.
    called: BTreeMap<String, u32>,
    requests: BTreeMap<String, u64>,
    hooks_lost: u64,
    /// Ends with what the carrier knows.
    life: CancellationToken,
}

impl Exchange {
    /// Begin to serve.
    ///
    /// # Errors
    /// When the settings are wrong, the port is taken or the journal cannot be written.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        if let Some(fault) = settings.fault() {
            return Err(StartError::Settings(fault));
        }
        let port = settings.port;
        let failed = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let inner = Arc::new(Inner::new(settings)?);
        inner.journal.write(inner.now_us(), What::Opened);
        let app = api::routes(inner.clone());
        let serving = tokio::spawn(async move {
            // It ends when it is dropped.
            let _ended = axum::serve(listener, app).await;
        });
        let sweeping = tokio::spawn(sweep(inner.clone()));
        Ok(Self { inner, address, tasks: [serving, sweeping] })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key and the secret that tokens and webhooks are signed with.
    pub fn key(&self) -> (&str, &str) {
        self.inner.key()
    }

    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub fn counts(&self) -> Counts {
        let state = self.inner.lock();
        Counts {
            requests: state.requests.clone(),
            rooms: state.rooms.count(),
            calls: state.lines.busy(),
            hooks_lost: state.hooks_lost,
        }
    }

    /// Lose the memory and be away for a while: rooms are gone without a word, calls end, requests under way are cut, and those that come
    /// are answered with 502.
    pub async fn restart(&self, away: Duration) {
        {
            let mut state = self.inner.lock();
            state.life.cancel();
            state.rooms.forget();
            self.inner.journal.write(self.inner.now_us(), What::Restarted);
        }
        sleep(away).await;
        self.inner.lock().life = CancellationToken::new();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.inner.lock().life.cancel();
    }
}

async fn sweep(inner: Arc<Inner>) {
    loop {
        sleep(SWEEP_EVERY).await;
        let told = inner.lock().rooms.sweep(Instant::now());
        inner.tell(told);
    }
}

impl Inner {
    fn new(settings: Settings) -> Result<Self, StartError> {
        let clock = Clock::system();
        let journal = Journal::open(settings.journal.as_deref()).map_err(|source| StartError::Journal {
            path: settings.journal.clone().unwrap_or_default(),
            source,
        })?;
        let mut hooks = Vec::new();
        if !settings.webhooks.is_empty() {
            let client = hooks::client()?;
            let key = (settings.key.as_str(), settings.secret.as_str());
            let start = |url: &String| Hooks::start(client.clone(), url, key, clock.clone());
            hooks = settings.webhooks.iter().map(start).collect();
        }
        // Two carriers with one seed must not give the same ids to their rooms and calls: a journal may hold both.
        let ids = clock.now().as_nanosecond().unsigned_abs() as u64;
        let state = State {
            rooms: Rooms::new(ids),
            trunks: Trunks::of(&settings.trunks),
            lines: Lines::default(),
            chance: Dice::new(settings.faults.seed),
            ids: Dice::new(ids),
            called: BTreeMap::new(),
            requests: BTreeMap::new(),
            hooks_lost: 0,
            life: CancellationToken::new(),
        };
        Ok(Self { settings, journal, clock, hooks, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self) -> (&str, &str) {
        (&self.settings.key, &self.settings.secret)
    }

    fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    fn moment(&self) -> Moment {
        Moment { at: Instant::now(), unix_s: self.clock.now().as_second() }
    }

    fn life(&self) -> CancellationToken {
        self.lock().life.clone()
    }

    fn id(&self, prefix: &str) -> String {
        rooms::id(&mut self.lock().ids, prefix)
    }

    /// What goes wrong with the next request of this method.
    fn plan(&self, method: &str) -> Plan {
        let mut state = self.lock();
        // A stranger's methods are not counted one by one.
        let known = method.len() <= 64;
        *state.requests.entry(if known { method } else { "?" }.to_owned()).or_default() += 1;
        self.settings.faults.plan(method, &mut state.chance)
    }

    /// As long as it takes here.
    fn faster(&self, life: Duration) -> Duration {
        life.div_f64(self.settings.speed)
    }

    fn scaled(&self, ms: u64) -> Duration {
        self.faster(Duration::from_millis(ms))
    }

    fn trunk(&self, id: &str) -> Option<Trunk> {
        let own = self.settings.trunks.iter().find(|trunk| trunk.id == id).cloned();
        own.or_else(|| self.lock().trunks.outbound(id, self.settings.limits))
    }

    /// Which call of a number this is, from 0.
    fn nth(&self, number: &str) -> u32 {
        let mut state = self.lock();
        let count = state.called.entry(number.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn take_line(&self, trunk: &Trunk, call: &str) -> Option<&'static str> {
        self.lock().lines.take(trunk, call, Instant::now())
    }

    fn free_line(&self, call: &str) {
        self.lock().lines.free(call);
    }

    fn create_room(&self, wanted: Wanted) -> Result<Value, String> {
        let (room, told) = self.lock().rooms.create(wanted, self.moment())?;
        self.tell(told);
        Ok(room)
    }

    fn delete_room(&self, name: &str) -> bool {
        let told = self.lock().rooms.delete(name);
        let is_gone = told.is_some();
        self.tell(told.unwrap_or_default());
        is_gone
    }

    /// The place, and whether the room was made for it.
    fn joins(&self, room: &str, who: Joins, makes_rooms: bool) -> Result<(Place, bool), NotJoined> {
        let (place, told) = self.lock().rooms.join(room, who, makes_rooms, self.moment())?;
        let is_made = told.iter().any(|told| told["event"] == "room_started");
        self.tell(told);
        Ok((place, is_made))
    }

    fn leaves(&self, whom: (&str, &str, Option<&str>), reason: &'static str) -> bool {
        let told = self.lock().rooms.leave(whom, reason, self.moment());
        let is_gone = told.is_some();
        self.tell(told.unwrap_or_default());
        is_gone
    }

    fn change(&self, whose: (&str, &str), change: impl FnOnce(&mut Person)) {
        self.lock().rooms.change(whose, change);
    }

    fn tell(&self, all: Vec<Told>) {
        for mut told in all {
            let mut state = self.lock();
            told["id"] = json!(rooms::id(&mut state.ids, "EV_"));
            told["createdAt"] = json!(self.clock.now().as_second().to_string());
            let event = told["event"].as_str().unwrap_or_default().to_owned();
            for hooks in &self.hooks {
                let plan = self.settings.faults.plan_hook(&event, &mut state.chance);
                if !hooks.tell(told.clone(), plan) {
                    state.hooks_lost += 1;
                }
            }
        }
    }
}
