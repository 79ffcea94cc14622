//! Which requests for configs came, and what became of them, for whoever wonders why a bot takes no calls. A request waits for
//! nothing here: it goes into a queue in memory, which is written from time to time. What does not fit, or cannot be written, is
//! lost and counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, TenantId};

use crate::error::with_source;
use crate::metrics::Metrics;
use crate::store::config_requests::{KEPT_REQUESTS, Request};
use crate::store::{Stamp, Stores};

/// Requests that wait to be written: a few seconds of the most that a bridge answers.
const QUEUE: usize = 2_048;
/// Pause between two writes.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest wait for the write at the end of the process.
const LAST_WRITE: Duration = Duration::from_secs(3);
/// How long requests can be seen.
pub const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whose bot it is.
type Whose = (TenantId, BotId);

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct RequestLog(Arc<Inner>);

struct Inner {
    stores: Stores,
    clock: Clock,
    metrics: Arc<Metrics>,
    queue: Mutex<VecDeque<(Whose, Request)>>,
}

impl RequestLog {
    pub fn new(stores: Stores, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner { stores, clock, metrics, queue: Mutex::default() }))
    }

    /// Write down a request, some time later.
    pub fn note(&self, whose: Whose, request: Request) {
        let mut queue = self.queue();
        if queue.len() < QUEUE {
            queue.push_back((whose, request));
        } else {
            self.0.metrics.config_requests_lost(1);
        }
    }

    /// How many were lost in this process.
    pub fn lost(&self) -> u64 {
        self.0.metrics.lost_config_requests()
    }

    /// Write again and again until `stop`, and once more then.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
            self.write().await;
        }
        let _ = timeout(LAST_WRITE, self.write()).await;
    }

    /// Write what waits. Of each bot one document is written, whatever number of requests came.
    pub async fn write(&self) {
        let waiting = std::mem::take(&mut *self.queue());
        let mut by_bot = BTreeMap::<Whose, Vec<Request>>::new();
        for (whose, request) in waiting {
            by_bot.entry(whose).or_default().push(request);
        }
        let forget_at = Stamp(self.0.clock.now()) + KEPT;
        for ((tenant, bot), requests) in by_bot {
            let last = &requests[requests.len().saturating_sub(KEPT_REQUESTS)..];
            if let Err(error) = self.0.stores.config_requests(&tenant).note(&bot, last, forget_at).await {
                let error = with_source(&error);
                tracing::warn!(bot.id = %bot, error, "requests for a bot's config are not in its log");
                self.0.metrics.config_requests_lost(requests.len());
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(Whose, Request)>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
