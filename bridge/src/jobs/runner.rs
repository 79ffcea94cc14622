//! Does the jobs. Any number of bridges do them at once: each is leased to one, which renews the lease while it works, and whose
//! word counts only as long as nobody else took the job since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use vox_shared::clock::Clock;
use vox_shared::ids::WorkerId;

use crate::error::with_source;
use crate::metrics::Metrics;
use crate::store::jobs::{Job, Outcome, Queue};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// A bridge that says nothing of a job for so long has lost it.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// A lease is renewed this often.
const RENEW: Duration = Duration::from_secs(15);
/// Longest time until a job that another bridge made is seen.
const LOOK: Duration = Duration::from_secs(1);
/// How long jobs that run at the end of the process may take; those that take longer are given back.
const DRAIN: Duration = Duration::from_secs(8);
/// The pause after the first try that failed; each is twice as long as the one before.
const BASE: SignedDuration = SignedDuration::from_secs(60);
/// The longest pause.
const CAP: SignedDuration = SignedDuration::from_secs(3_600);
/// A pause is shorter by up to this part of it, so that what failed together does not come back together.
const JITTER: f64 = 0.2;
/// A job that was done is shown so much longer.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What may come of a try, as `jobs_total` counts it.
const OUTCOMES: [&str; 5] = ["done", "retried", "failed", "lost", "given_back"];
/// So much of a reason is kept, characters.
const MAX_REASON: usize = 500;

/// Jobs of a queue that one bridge does at the same time.
fn places(queue: Queue) -> usize {
    match queue {
        Queue::Default => 2,
        Queue::Webhooks => 4,
        Queue::Reports => 1,
    }
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It may work later.
    #[error("{0}")]
    Now(String),
    /// It will never work.
    #[error("{0}")]
    ForGood(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does one job. It may be done again from the beginning at any time, so every step of it must be safe to repeat.
pub type Handler = Arc<dyn Fn(Stored<Job>) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// A kind of job.
#[derive(Clone)]
pub struct Kind {
    pub word: &'static str,
    /// Times that it is tried.
    pub max_tries: i64,
    pub handler: Handler,
    /// How long one that failed is still shown; `None` for ever, until a person has it done again.
    pub failed_kept: Option<SignedDuration>,
}

/// Does the jobs of one bridge. Cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    stores: Stores,
    clock: Clock,
    metrics: Arc<Metrics>,
    kinds: BTreeMap<&'static str, Kind>,
    name: String,
    /// A job was made here.
    rung: Notify,
    /// When the store last answered.
    looked: Mutex<Option<Timestamp>>,
}

impl Runner {
    pub fn new((stores, clock): (Stores, Clock), metrics: Arc<Metrics>, kinds: Vec<Kind>) -> Self {
        Queue::ALL.into_iter().for_each(|queue| metrics.expects_jobs(queue.as_str(), &OUTCOMES));
        let kinds = kinds.into_iter().map(|kind| (kind.word, kind)).collect();
        let name = WorkerId::generate().to_string();
        Self(Arc::new(Inner {
            stores,
            clock,
            metrics,
            kinds,
            name,
            rung: Notify::new(),
            looked: Mutex::default(),
        }))
    }

    /// A job was made: do it now.
    pub fn ring(&self) {
        self.0.rung.notify_waiters();
    }

    /// When jobs were last looked for, or one was kept; `None` when nobody does any here.
    pub fn looked_at(&self) -> Option<Timestamp> {
        *self.0.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_looked(&self) {
        *self.0.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.clock.now());
    }

    /// Do jobs until `stop`, then let those that run come to their end.
    pub async fn run(self, stop: CancellationToken) {
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        let queues = Queue::ALL.map(|queue| self.serve(queue, (&tasks, &cut), &stop));
        futures_util::future::join_all(queues).await;
        tasks.close();
        if timeout(DRAIN, tasks.wait()).await.is_err() {
            cut.cancel();
            let _ = timeout(DRAIN, tasks.wait()).await;
        }
    }

    async fn serve(
        &self,
        queue: Queue,
        (tasks, cut): (&TaskTracker, &CancellationToken),
        stop: &CancellationToken,
    ) {
        let free = Arc::new(Semaphore::new(places(queue)));
        loop {
            let rung = self.0.rung.notified();
            let Some(Ok(place)) = stop.run_until_cancelled(free.clone().acquire_owned()).await else {
                return;
            };
            match self.claim(queue).await {
                Ok(Some(job)) => {
                    let (runner, cut, span) = (self.clone(), cut.clone(), span(&job));
                    let carried_out = async move {
                        runner.carry_out(job, cut).await;
                        drop(place);
                    };
                    tasks.spawn(carried_out.instrument(span));
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(?queue, error = with_source(&error), "no job could be taken"),
            }
            drop(place);
            let woken = async {
                // Either is a reason to look.
                let _ = timeout(LOOK, rung).await;
            };
            if stop.run_until_cancelled(woken).await.is_none() {
                return;
            }
        }
    }

    async fn claim(&self, queue: Queue) -> Result<Option<Stored<Job>>, StoreError> {
        let now = Stamp(self.0.clock.now());
        let claimed = self.0.stores.all_jobs().claim(queue, &self.0.name, (now, now + LEASE)).await;
        if claimed.is_ok() {
            self.has_looked();
        }
        claimed
    }

    /// Do a job and write down what came of it.
    async fn carry_out(&self, job: Stored<Job>, cut: CancellationToken) {
        let Some(outcome) = self.outcome(&job, cut).await else {
            return self.count(&job, "lost");
        };
        let now = Stamp(self.0.clock.now());
        match self
            .0
            .stores
            .all_jobs()
            .settle(&job, &outcome, (now, self.kept(&job, &outcome).map(|kept| now + kept)))
            .await
        {
            Ok(true) => self.told(&job, &outcome),
            Ok(false) => self.count(&job, "lost"),
            // Its lease ends, and then it is done again.
            Err(error) => {
                tracing::warn!(job.id = %job.id, error = with_source(&error), "a job could not be ended");
            }
        }
    }

    /// How long a job is still shown that ended so; `None` for ever, and while it goes on.
    fn kept(&self, job: &Stored<Job>, outcome: &Outcome) -> Option<SignedDuration> {
        match outcome {
            Outcome::Done => Some(KEPT),
            Outcome::Failed(_) => self.0.kinds.get(job.value.kind.as_str())?.failed_kept,
            Outcome::Again(..) | Outcome::GivenBack => None,
        }
    }

    /// What comes of a try; `None` when somebody else has the job.
    async fn outcome(&self, job: &Stored<Job>, cut: CancellationToken) -> Option<Outcome> {
        let Some(kind) = self.0.kinds.get(job.value.kind.as_str()) else {
            // A newer bridge may know it.
            let unknown = "this bridge knows no such kind of job".to_owned();
            return Some(Outcome::Again(self.later(job.value.tries), unknown));
        };
        if job.value.tries > kind.max_tries {
            return Some(Outcome::Failed("whoever did it was lost, every time".into()));
        }
        // A task of its own: one that panics has failed, and no more than that.
        let mut work = tokio::spawn((kind.handler)(job.clone()).in_current_span());
        let done = tokio::select! {
            done = &mut work => Some(done),
            () = self.keep(job) => None,
            () = cut.cancelled() => {
                work.abort();
                return Some(Outcome::GivenBack);
            }
        };
        let Some(done) = done else {
            work.abort();
            return None;
        };
        let failure = match done {
            Ok(Ok(())) => return Some(Outcome::Done),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Now("the job panicked".into()),
        };
        let reason: String = with_source(&failure).chars().take(MAX_REASON).collect();
        let is_last = matches!(failure, Failure::ForGood(_)) || job.value.tries >= kind.max_tries;
        Some(if is_last {
            Outcome::Failed(reason)
        } else {
            Outcome::Again(self.later(job.value.tries), reason)
        })
    }

    /// Renew the lease again and again; ends when it is lost.
    async fn keep(&self, job: &Stored<Job>) {
        loop {
            sleep(RENEW).await;
            let until = Stamp(self.0.clock.now()) + LEASE;
            match self.0.stores.all_jobs().renew(job, until).await {
                Ok(true) => self.has_looked(),
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(job.id = %job.id, error = with_source(&error), "a job's lease was not renewed");
                }
            }
        }
    }

    fn later(&self, tries: i64) -> Stamp {
        Stamp(self.0.clock.now()) + pause(tries, rand::random_range(0.0..1.0))
    }

    fn told(&self, job: &Stored<Job>, outcome: &Outcome) {
        match outcome {
            Outcome::Done => self.count(job, "done"),
            Outcome::Again(_, reason) => {
                tracing::warn!(job.id = %job.id, kind = job.value.kind, reason, "a job is tried again");
                self.count(job, "retried");
            }
            Outcome::Failed(reason) => {
                tracing::error!(job.id = %job.id, kind = job.value.kind, reason, "a job has failed");
                self.count(job, "failed");
            }
            Outcome::GivenBack => self.count(job, "given_back"),
        }
    }

    fn count(&self, job: &Stored<Job>, outcome: &'static str) {
        Span::current().record("outcome", outcome);
        if ["retried", "failed"].contains(&outcome) {
            Span::current().record("error.type", outcome);
        }
        self.0.metrics.job_tried(job.value.queue.as_str(), outcome);
    }
}

/// A try as a part of the trace that its job follows from.
fn span(job: &Stored<Job>) -> Span {
    let Job { tenant_id, queue, kind, tries, traceparent, .. } = &job.value;
    tracing::info_span!(
        "job",
        otel.kind = "consumer",
        trace.parent = traceparent.map(|place| place.to_string()),
        tenant.id = %tenant_id,
        job.id = %job.id,
        job.kind = kind.as_str(),
        queue = queue.as_str(),
        attempt = *tries,
        outcome = Empty,
        "error.type" = Empty
    )
}

/// The pause after so many tries; `jitter` is 0 to 1.
fn pause(tries: i64, jitter: f64) -> SignedDuration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    let full = BASE.saturating_mul(1 << doublings).min(CAP);
    full - SignedDuration::from_secs_f64(full.as_secs_f64() * JITTER * jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = [1, 2, 3, 6, 7, 8, 1_000].map(|tries| pause(tries, 0.0).as_secs());
        assert_eq!(seconds, [60, 120, 240, 1_920, 3_600, 3_600, 3_600]);
        assert_eq!(pause(1, 1.0).as_secs(), 48);
    }
}
