//! The coordination seam: what several bridges of one deployment tell each other, and may forget. Hints (publish and subscribe),
//! rates, leases, gates, permits and a cache; nothing here is the truth about anything. Every engine passes the suite in
//! `tests/it/coordination_conformance.rs`. Decision 0028 says why.

mod expiring;
mod hub;
mod limiter;
mod local;
pub mod permits;
#[cfg(feature = "redis")]
mod redis;
pub mod rounds;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use secrecy::SecretString;
use vox_shared::clock::Clock;

use crate::config::CoordinationSettings;

pub use expiring::Expiring;
pub use hub::{Heard, QUEUE, Subscription};
pub use limiter::{Entered, Limiter, Place};
pub use local::InProcess;
use permits::{Ask, Kept, Permitted, Run};
#[cfg(feature = "redis")]
pub use redis::Redis;

/// Largest message of a topic, bytes: a hint, not a document.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Largest value of the cache, bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// The engine that the settings name.
///
/// # Errors
///
/// When the address makes no sense or the server refuses the login. One that does not answer is tried again for ever.
pub async fn open(
    settings: &CoordinationSettings,
    clock: &Clock,
) -> Result<Arc<dyn Coordination>, CoordinationError> {
    match &settings.redis_url {
        None => Ok(Arc::new(InProcess::new(clock.clone()))),
        Some(url) => redis_at(url).await,
    }
}

#[cfg(feature = "redis")]
async fn redis_at(url: &SecretString) -> Result<Arc<dyn Coordination>, CoordinationError> {
    Ok(Arc::new(Redis::open(url).await?))
}

#[cfg(not(feature = "redis"))]
async fn redis_at(_: &SecretString) -> Result<Arc<dyn Coordination>, CoordinationError> {
    Err(CoordinationError::NotBuilt)
}

/// The eventual answer of an engine.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, CoordinationError>> + Send + 'a>>;

/// Why an engine does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum CoordinationError {
    /// It does not answer, or not in time. What was asked may have been done.
    #[error("the coordination server cannot be used: {0}")]
    Unavailable(String),
    #[error("{bytes} bytes are too many for a {what}, {most} are the most")]
    TooLarge { what: &'static str, bytes: usize, most: usize },
    /// In this process alone: there are as many leases or gates as it keeps.
    #[error("there is no room for another lease, gate or permit")]
    Full,
    /// It was restarted in the meantime: what it was told is gone.
    #[error("the coordination server lives another life: tell it again what runs")]
    AnotherRun,
    #[error(
        "VOX_REDIS_URL: is no address of a Redis server; it is redis://[user:password@]host[:port][/database], or rediss:// for TLS"
    )]
    BadAddress,
    #[error("VOX_REDIS_URL: Redis refuses the login: {0}")]
    LoginRefused(String),
    #[error(
        "VOX_REDIS_URL is set, and this program was built without Redis: build it with the default features"
    )]
    NotBuilt,
}

/// How often something may be done: `most` times in a window, which begins with the first take and is over after its length.
/// So at most twice `most` fall into any stretch as long as the window, as with a bucket that refills.
#[derive(Clone, Debug)]
pub struct Rate {
    /// What is counted, and whose.
    pub key: String,
    pub most: u32,
    /// A millisecond or more.
    pub window: Duration,
}

/// How a rate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    /// Takes that are left in the window.
    pub remaining: u32,
    /// Until the window is over.
    pub resets_in: Duration,
}

impl Standing {
    /// Where nothing is counted.
    pub const UNLIMITED: Self = Self { limit: u32::MAX, remaining: u32::MAX, resets_in: Duration::ZERO };

    /// What is left of the window, in seconds, and a second at least.
    pub fn wait_seconds(&self) -> u64 {
        (self.resets_in.as_secs() + u64::from(self.resets_in.subsec_nanos() > 0)).max(1)
    }
}

/// Whether something may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is counted. The standing is of the rate with the least left.
    Allowed(Standing),
    /// It is not counted, by none of the rates. The standing is of the rate that refuses the longest.
    Refused(Standing),
}

/// The number of a lease's holder. Each new holder has a greater one than all before it, over restarts too, so whoever is
/// written to can refuse a holder that was replaced without knowing it. Microseconds since 1970, or one more than the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// How many may be inside at once.
#[derive(Clone, Debug)]
pub struct Gate {
    pub name: String,
    pub most: u32,
    /// How long a member that never leaves stays.
    pub ttl: Duration,
}

/// What every engine can do. All that is asked may be asked again.
pub trait Coordination: Send + Sync {
    /// Tell whoever listens now. Messages may be lost, and told twice.
    fn publish(&self, topic: String, message: Bytes) -> Answer<'_, ()>;

    /// Tell whoever outside of the deployment listens to channels of exactly these names; answers whether there is an outside. It may be
    /// lost.
    fn announce(&self, channels: Vec<String>, message: Bytes) -> Answer<'_, bool>;

    /// Listen from now on. A listener that is late, or that the server could not reach, is told that it missed something.
    fn subscribe(&self, topic: &str) -> Subscription;

    /// Count one for each of the rates, or for none when one of them is spent.
    fn take(&self, rates: Vec<Rate>) -> Answer<'_, Taken>;

    /// Take one back; a window that is over or empty stays so.
    fn give_back(&self, key: String) -> Answer<'_, ()>;

    /// Begin a rate's count anew.
    fn forget(&self, key: String) -> Answer<'_, ()>;

    /// Hold a lease for a time; `None` while another holder has it. The same holder gets the same fence again, and the time
    /// anew: `holder` is chosen at random by whoever begins to hold.
    fn acquire(&self, lease: String, holder: String, ttl: Duration) -> Answer<'_, Option<Fence>>;

    /// Hold it for this time from now. `false`: it is no longer held under this fence, and what it was held for ends.
    fn renew(&self, lease: String, fence: Fence, ttl: Duration) -> Answer<'_, bool>;

    /// Let go, if it is still held under this fence.
    fn release(&self, lease: String, fence: Fence) -> Answer<'_, ()>;

    /// Go in, or stay for the gate's time from now; `false` when it is full.
    fn enter(&self, gate: Gate, member: String) -> Answer<'_, bool>;

    fn leave(&self, gate: String, member: String) -> Answer<'_, ()>;

    /// Ask for a permit. See [`permits`].
    fn permit(&self, ask: Ask) -> Answer<'_, Permitted>;

    /// Keep places for calls that run, or put them in, whether there is room or not. Refused when the engine lives another life.
    fn keep_permits(&self, kept: Vec<Kept>, under: Run) -> Answer<'_, ()>;

    /// A member leaves these rooms.
    fn give_up_permits(&self, member: String, rooms: Vec<String>) -> Answer<'_, ()>;

    /// The present life of the engine.
    fn permits_run(&self) -> Answer<'_, Run>;

    /// Whatever runs was told: give permits. Refused when the engine lives another life.
    fn open_permits(&self, under: Run) -> Answer<'_, ()>;

    /// How many are in each of these rooms.
    fn count_permits(&self, rooms: Vec<String>) -> Answer<'_, Vec<u64>>;

    /// A value of the cache. Any may be gone before its time.
    fn get(&self, key: String) -> Answer<'_, Option<Bytes>>;

    fn set(&self, key: String, value: Bytes, ttl: Duration) -> Answer<'_, ()>;

    fn delete(&self, key: String) -> Answer<'_, ()>;

    /// Connections to a server that are open now.
    fn connections(&self) -> u32 {
        0
    }

    /// Whether it can be used now.
    fn check(&self) -> Answer<'_, ()>;
}

fn check_size(what: &'static str, bytes: usize, most: usize) -> Result<(), CoordinationError> {
    if bytes > most { Err(CoordinationError::TooLarge { what, bytes, most }) } else { Ok(()) }
}
