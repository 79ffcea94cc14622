//! Calls in rooms of a LiveKit server: a visitor joins, a worker is ordered there, and the caller's line is laid to the visitor's seat.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use vox_caller::{Call, Hearing, Options, Protocol, Spread};
use vox_livekit::{AccessToken, Counts};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::livekit::LiveKit;

use super::{BOT, BenchError};

mod seat;

use seat::{Met, Visitor};
pub(crate) use seat::{Seated, Stay};

/// A worker takes an order, or refuses it, within this.
const ORDER_DEADLINE: Duration = Duration::from_secs(10);
/// A token must outlive the call: resuming shows it again.
const TOKEN_FOR: Duration = Duration::from_secs(7_200);

/// A way to a server: its address, which may be a proxy's, and what opens its rooms.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) secret: SecretString,
}

impl Door {
    /// Straight to this server.
    pub(crate) fn of(server: &LiveKit) -> Self {
        let (url, key) = (server.url.clone(), server.key.clone());
        Self { url, key, secret: server.secret.clone().into() }
    }

    /// What a worker must know to use it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LIVEKIT_URL", self.url.clone()),
            ("LIVEKIT_API_KEY", self.key.clone()),
            ("LIVEKIT_API_SECRET", self.secret.expose_secret().to_owned()),
        ]
    }

    /// A visitor's token.
    fn token(&self, room: &str) -> String {
        let token = AccessToken::new(room, format!("widget-user-{:08x}", rand::random::<u32>()));
        #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        token.sign(&self.key, self.secret.expose_secret(), now, TOKEN_FOR)
    }
}

/// How one call came about, milliseconds, and what became of the packets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The visitor: from the first request until media can flow.
    pub(crate) visitor_ms: f64,
    /// From the order to the worker's answer.
    pub(crate) accepted_ms: f64,
    /// From the order until the visitor saw the bot in the room.
    pub(crate) joined_ms: f64,
    /// From the order until the visitor received the bot's voice.
    pub(crate) voice_ms: f64,
    /// From there to the first audible sample of the greeting.
    pub(crate) greeting_ms: Option<f64>,
    pub(crate) counts: Counts,
    /// Frames of sound that the visitor did not take in time.
    pub(crate) unheard: u64,
}

/// How the calls of a level came about, and what their listeners' jitter buffers did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Entries {
    pub visitor_ms: Spread,
    pub accepted_ms: Spread,
    pub joined_ms: Spread,
    pub voice_ms: Spread,
    pub greeting_ms: Spread,
    /// The order to the first audible sample of the greeting.
    pub order_to_greeting_ms: Spread,
    /// Packets that callers got, that came too late, and that were not there when their turn came.
    pub packets: u64,
    pub late: u64,
    pub lost: u64,
    /// Frames that were invented for them, and left out to catch up.
    pub invented: u64,
    pub skipped: u64,
    pub unheard: u64,
}

impl Entries {
    fn of(all: &[Entry]) -> Self {
        let spread = |of: fn(&Entry) -> Option<f64>| Spread::of(all.iter().filter_map(of).collect());
        let sum = |of: fn(&Entry) -> u64| all.iter().map(of).sum();
        Self {
            visitor_ms: spread(|entry| Some(entry.visitor_ms)),
            accepted_ms: spread(|entry| Some(entry.accepted_ms)),
            joined_ms: spread(|entry| Some(entry.joined_ms)),
            voice_ms: spread(|entry| Some(entry.voice_ms)),
            greeting_ms: spread(|entry| entry.greeting_ms),
            order_to_greeting_ms: spread(|entry| Some(entry.voice_ms + entry.greeting_ms?)),
            packets: sum(|entry| entry.counts.received),
            late: sum(|entry| entry.counts.late),
            lost: sum(|entry| entry.counts.lost),
            invented: sum(|entry| entry.counts.invented),
            skipped: sum(|entry| entry.counts.skipped),
            unheard: sum(|entry| entry.unheard),
        }
    }
}

/// Who brings the bot into a room.
#[derive(Clone, Debug)]
pub(crate) enum Summons {
    /// The worker at this address is ordered there.
    Worker(String),
    /// Somebody else's agent comes by itself when there is a room.
    Itself,
}

/// The rooms that callers meet workers in.
#[derive(Debug)]
pub(crate) struct Rooms {
    door: Door,
    /// The server's process.
    pub(crate) pid: u32,
    http: reqwest::Client,
    /// What workers ask of whoever orders.
    secret: SecretString,
    entries: Mutex<Vec<Entry>>,
}

/// A call in a room: the caller's end, and the seat that carries it.
pub(crate) struct InRoom {
    pub(crate) call: Call,
    pub(crate) seated: Seated,
    entry: Entry,
}

impl Rooms {
    /// Rooms behind this door, and workers that know this secret. `pid` is the server's.
    pub(crate) fn new(door: Door, pid: u32, secret: SecretString) -> Result<Self, BenchError> {
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(ORDER_DEADLINE).build()?;
        Ok(Self { door, pid, http, secret, entries: Mutex::default() })
    }

    /// A visitor enters a room of their own, the bot is brought there, and the call begins when its voice can be heard.
    ///
    /// # Errors
    /// In a word, why it did not come about.
    pub(crate) async fn call(&self, summons: &Summons, hearing: Hearing) -> Result<InRoom, String> {
        let room = format!("widget-{BOT}-{:012x}", rand::random::<u64>() >> 16);
        let began = Instant::now();
        let mut visitor = Visitor::join(&self.door.url, &self.door.token(&room)).await?;
        let visitor_ms = millis(began);
        // Somebody else's agent has known of the room since it was made.
        let since = if matches!(summons, Summons::Itself) { began } else { Instant::now() };
        if let Summons::Worker(address) = summons {
            self.order(address, &room).await?;
        }
        let accepted_ms = millis(since);
        let Met { joined, voice } = visitor.meets().await?;
        let (joined_ms, voice_ms) = (between(since, joined), between(since, voice));
        let (io, seated) = visitor.sits_down();
        let call = vox_caller::connect_over(io, options(hearing)?).await.map_err(|error| error.kind())?;
        let entry = Entry { visitor_ms, accepted_ms, joined_ms, voice_ms, ..Entry::default() };
        Ok(InRoom { call, seated, entry })
    }

    async fn order(&self, worker: &str, room: &str) -> Result<(), String> {
        let order = json!({"bot_id": BOT, "room_name": room, "caller_id": "visitor"});
        let request = self.http.post(format!("{worker}/livekit/widget")).json(&order);
        let answer = request.header(SECRET_HEADER, self.secret.expose_secret()).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("refused_{}", answer.status().as_u16())),
            Err(_) => Err("unreachable".to_owned()),
        }
    }

    /// A call is over: keep how it came about.
    pub(crate) fn keep(&self, entry: Entry, report: &vox_caller::Report, stay: &Stay) {
        let greeting_ms = report.heard.answer_to_first_audio_ms;
        let (counts, unheard) = (stay.counts, stay.unheard);
        self.entries().push(Entry { greeting_ms, counts, unheard, ..entry });
    }

    /// How all calls since the last question came about.
    pub(crate) fn take_entries(&self) -> Entries {
        Entries::of(&std::mem::take(&mut *self.entries()))
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InRoom {
    /// Hang up; what the caller heard, and what was noted in the room.
    pub(crate) async fn finish(self) -> (vox_caller::Report, Stay, Entry) {
        let report = self.call.finish().await;
        (report, self.seated.gets_up().await, self.entry)
    }
}

/// The line between caller and seat speaks `/talk`: binary frames at 16 kHz, as rooms have them.
fn options(hearing: Hearing) -> Result<Options, String> {
    let options = Options::new(Protocol::Talk, "http://127.0.0.1").map_err(|error| error.to_string())?;
    Ok(Options { hearing, ..options })
}

fn between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1_000.0
}

fn millis(since: Instant) -> f64 {
    between(since, Instant::now())
}
