//! Who may use a vendor whose key serves only so many calls at once: a gate for each key, held across the workers and bridges of the
//! deployment, in which a call is a member for as long as its worker says so. Decision 0081.
//!
//! A call gets its permits with its config: of each list the first vendor with room comes first. A worker asks for those of fall-backs
//! when it comes to them, a dialout takes them before it rings. Whoever has nobody else to ask asks all the same: a limit is never the
//! reason that a call is lost.

mod config;
mod dialout;
mod workers;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vox_shared::catalogue::Kind;
use vox_shared::clock::Clock;
use vox_shared::ids::WorkerId;
use vox_shared::model::bot::BotSettings;

use super::checks::Checks;
use super::limits::Limit;
use crate::bot::keys::Keyed;
use crate::coordination::{Gate, Limiter};
use crate::metrics::Metrics;
use crate::runtime::memory::Memory;
use crate::store::settings::VendorLimit;

pub use config::{Asker, PATIENCE};
pub use dialout::{Full, Kept};
use workers::Noted;

/// A member that nobody speaks for any more is out after this: workers register every five seconds. A call's requests of its last minute
/// are over by then.
const STAYS: Duration = Duration::from_secs(75);

/// The permits of a deployment, as this bridge gives them. Cheap to clone.
#[derive(Clone)]
pub struct Permits(Arc<Inner>);

struct Inner {
    limiter: Limiter,
    memory: Memory,
    checks: Checks,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// Which call each worker has, as far as this bridge knows.
    workers: Mutex<BTreeMap<WorkerId, Noted>>,
}

impl Permits {
    pub fn new(
        (limiter, memory): (Limiter, Memory),
        checks: Checks,
        (clock, metrics): (Clock, Arc<Metrics>),
    ) -> Self {
        Self(Arc::new(Inner { limiter, memory, checks, clock, metrics, workers: Mutex::default() }))
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<WorkerId, Noted>> {
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Go in where there is room.
    async fn enter(&self, limit: &Limit, member: &str) -> bool {
        let gate = Gate { name: limit.name.clone(), most: limit.calls, ttl: STAYS };
        self.0.limiter.enter_as(gate, member).await
    }

    /// Go in, full or not.
    async fn enter_all_the_same(&self, name: &str, member: &str) {
        let gate = Gate { name: name.to_owned(), most: u32::MAX, ttl: STAYS };
        self.0.limiter.enter_as(gate, member).await;
    }
}

/// The limits of a list of vendors, in its order.
fn limits<T: Keyed>(kind: Kind, first: &T, stated: &[VendorLimit]) -> Vec<Option<Limit>> {
    let all = std::iter::once(first).chain(first.fallbacks());
    all.map(|entry| Limit::of(kind, entry, stated)).collect()
}

/// The limits of all three lists.
fn all_limits(settings: &BotSettings, stated: &[VendorLimit]) -> [(Kind, Vec<Option<Limit>>); 3] {
    [
        (Kind::Recogniser, limits(Kind::Recogniser, &settings.stt, stated)),
        (Kind::LanguageModel, limits(Kind::LanguageModel, &settings.llm, stated)),
        (Kind::Voice, limits(Kind::Voice, &settings.tts, stated)),
    ]
}
