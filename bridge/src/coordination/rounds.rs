//! What a bridge does again and again by itself, and how it went last. Kept in memory, and in the seam's cache for the other bridges:
//! no round writes a document.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::Coordination;

/// The other bridges are told at most this often how a work went, unless that changed.
const TELL_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// And know it for so long. After a restart of all bridges and their cache nothing is known until the next round.
const KNOWN_FOR: Duration = Duration::from_hours(24);
/// So much of a fault is kept, characters.
const MAX_FAULT: usize = 500;

/// Why a round failed, in words that the administrators of any tenant may read: what kind of fault it is, and no name or value of a
/// document.
pub trait Fault {
    fn fault(&self) -> String;
}

/// A work that is done in rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// What tenants used is added up.
    AggregateUsage,
    /// What expired is removed.
    CleanSessions,
    /// Hosts that do not register are asked.
    PollFleet,
    /// Vendors and their keys are tried.
    CheckVendors,
    /// How fast vendors answered is added up.
    RollupLatency,
    /// Carriers are made known to LiveKit.
    SyncTrunks,
}

impl Work {
    pub const ALL: [Self; 6] = [
        Self::AggregateUsage,
        Self::CleanSessions,
        Self::PollFleet,
        Self::CheckVendors,
        Self::RollupLatency,
        Self::SyncTrunks,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AggregateUsage => "aggregate_usage",
            Self::CleanSessions => "clean_sessions",
            Self::PollFleet => "poll_fleet",
            Self::CheckVendors => "check_vendors",
            Self::RollupLatency => "rollup_latency",
            Self::SyncTrunks => "sync_trunks",
        }
    }

    fn key(self) -> String {
        format!("round:{}", self.as_str())
    }
}

/// Why a pause is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It is time.
    Due,
    /// Somebody asked for a round.
    Asked,
}

/// How a round went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Went {
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub fault: Option<String>,
}

/// How a work stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last round, of this bridge or of another.
    pub last: Option<Went>,
    /// Since when this bridge is at it.
    pub running_since: Option<Timestamp>,
    /// When this bridge begins the next; `None` while it is at it, and where it does not do this work.
    pub next_at: Option<Timestamp>,
}

#[derive(Default)]
struct Entry {
    standing: Standing,
    told_at: Option<Timestamp>,
    asked: Arc<Notify>,
}

/// The works of a bridge. Cheap to clone.
#[derive(Clone)]
pub struct Rounds(Arc<Inner>);

struct Inner {
    clock: Clock,
    coordination: Arc<dyn Coordination>,
    works: Mutex<BTreeMap<Work, Entry>>,
}

impl Rounds {
    pub fn new(clock: Clock, coordination: Arc<dyn Coordination>) -> Self {
        Self(Arc::new(Inner { clock, coordination, works: Mutex::default() }))
    }

    /// Wait for the next round: so long, until somebody asks, or `None` at the end of the process.
    pub async fn pause(&self, work: Work, pause: Duration, stop: &CancellationToken) -> Option<Woken> {
        let asked = {
            let (now, mut works) = (self.0.clock.now(), self.works());
            let entry = works.entry(work).or_default();
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            entry.standing.next_at = now.checked_add(pause).ok();
            entry.asked.clone()
        };
        let woken = stop.run_until_cancelled(timeout(pause, asked.notified())).await?;
        Some(if woken.is_ok() { Woken::Asked } else { Woken::Due })
    }

    /// Do a round, and note how it went; answers what it answers. One that is given up is noted as running until the next.
    pub async fn through<T, E: Fault>(
        &self,
        work: Work,
        round: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began_at = self.0.clock.now();
        {
            let mut works = self.works();
            let standing = &mut works.entry(work).or_default().standing;
            (standing.running_since, standing.next_at) = (Some(began_at), None);
        }
        let done = round.await;
        let fault = done.as_ref().err().map(|error| error.fault().chars().take(MAX_FAULT).collect());
        self.note(work, Went { began_at, ended_at: self.0.clock.now(), fault }).await;
        done
    }

    async fn note(&self, work: Work, went: Went) {
        let is_news = {
            let mut works = self.works();
            let entry = works.entry(work).or_default();
            let same = entry.standing.last.as_ref().is_some_and(|last| last.fault == went.fault);
            let lately = entry.told_at.is_some_and(|at| went.ended_at.duration_since(at) < TELL_EVERY);
            entry.standing.running_since = None;
            entry.standing.last = Some(went.clone());
            let is_news = !(same && lately);
            if is_news {
                entry.told_at = Some(went.ended_at);
            }
            is_news
        };
        if is_news {
            let written = Bytes::from(serde_json::to_vec(&went).expect("it is plain data"));
            if let Err(error) = self.0.coordination.set(work.key(), written, KNOWN_FOR).await {
                tracing::debug!(%error, work = work.as_str(), "other bridges do not know of a round");
            }
        }
    }

    /// Have this bridge begin a round now. `false` when it does not do this work.
    pub fn ask(&self, work: Work) -> bool {
        let works = self.works();
        works.get(&work).inspect(|entry| entry.asked.notify_one()).is_some()
    }

    /// How all of them stand, with the newest word of any bridge.
    pub async fn standings(&self) -> Vec<(Work, Standing)> {
        let mut all = Vec::new();
        for work in Work::ALL {
            let mut standing =
                self.works().get(&work).map(|entry| entry.standing.clone()).unwrap_or_default();
            let told = self.0.coordination.get(work.key()).await.unwrap_or_default();
            let told: Option<Went> = told.and_then(|written| serde_json::from_slice(&written).ok());
            let ended = |went: &Option<Went>| went.as_ref().map(|went| went.ended_at);
            if ended(&told) > ended(&standing.last) {
                standing.last = told;
            }
            all.push((work, standing));
        }
        all
    }

    fn works(&self) -> MutexGuard<'_, BTreeMap<Work, Entry>> {
        self.0.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::InProcess;
    use super::*;

    const WORK: Work = Work::PollFleet;

    impl Fault for &str {
        fn fault(&self) -> String {
            (*self).to_owned()
        }
    }

    fn rounds(between: &Arc<InProcess>, clock: &Clock) -> Rounds {
        Rounds::new(clock.clone(), between.clone())
    }

    #[tokio::test]
    async fn a_bridge_knows_how_another_fared_and_what_changes_is_told_at_once() {
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let between = Arc::new(InProcess::new(clock.clone()));
        let (one, two) = (rounds(&between, &clock), rounds(&between, &clock));
        let last = |of: Vec<(Work, Standing)>| {
            of.into_iter().find(|(work, _)| *work == WORK).and_then(|(_, standing)| standing.last)
        };
        one.through(WORK, async { Ok::<(), &str>(()) }).await.unwrap();
        let first = last(two.standings().await).expect("it is told");
        assert_eq!((first.began_at, first.fault), (clock.now(), None));
        clock.advance(SignedDuration::from_secs(1));
        one.through(WORK, async { Ok::<(), &str>(()) }).await.unwrap();
        assert_eq!(last(two.standings().await).unwrap().began_at, first.began_at, "not each round");
        one.through(WORK, async { Err::<(), _>("away") }).await.unwrap_err();
        let last = last(two.standings().await).unwrap();
        assert_eq!((last.began_at, last.fault.as_deref()), (clock.now(), Some("away")));
    }

    #[tokio::test]
    async fn a_round_that_is_asked_for_does_not_wait_for_its_time() {
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let rounds = rounds(&Arc::new(InProcess::new(clock.clone())), &clock);
        let stop = CancellationToken::new();
        assert!(!rounds.ask(WORK), "nobody does it here");
        let waiting = {
            let (rounds, stop) = (rounds.clone(), stop.clone());
            tokio::spawn(async move { rounds.pause(WORK, Duration::from_hours(1), &stop).await })
        };
        while !rounds.ask(WORK) {
            tokio::task::yield_now().await;
        }
        assert_eq!(waiting.await.unwrap(), Some(Woken::Asked));
        stop.cancel();
        assert_eq!(rounds.pause(WORK, Duration::from_hours(1), &stop).await, None);
    }
}
