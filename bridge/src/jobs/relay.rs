//! Moves what follows from a fact out of the fact's document: see `store/outbox.rs`. Any number of bridges may do it at once, and
//! each step may be repeated: entries have fixed ids where they go, and an outbox is emptied only as it was read. Results of this bridge
//! are handed over as they are stored, and settled many at once: their digests are made, and their documents changed once for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;

use super::digests::Digester;
use super::fresh::Fresh;
use crate::redaction;
use crate::store::calls::Call;
use crate::store::engine::EngineError;
use crate::store::events::Event;
use crate::store::jobs::Job;
use crate::store::ledger::Entry;
use crate::store::outbox::{Follows, Outbox};
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};

/// Longest pause between two rounds: for what another bridge stored and then could not move.
const PAUSE: Duration = Duration::from_secs(1);
/// Documents looked at in one batch. Each has a few entries, so that a batch is one insert.
const BATCH: usize = 100;
/// So long a result that was moved waits for others, to be settled with them.
const LINGER: Duration = Duration::from_millis(300);
/// Longest wait for the round that the end of the process cuts short.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// The relay. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub stores: Stores,
    pub clock: Clock,
    pub fresh: Fresh,
    wake: Arc<Notify>,
    /// Something may be in the store that nobody handed over.
    is_to_look: Arc<AtomicBool>,
    /// Events were moved: there is something to be told.
    pub moved: Arc<Notify>,
}

/// Results that were handed over and moved, and wait for others to be settled with.
struct Moved {
    calls: Vec<Stored<Call>>,
    /// When some were, the last time.
    settled: Instant,
    /// When the store was looked at for what nobody handed over.
    looked: Option<Instant>,
}

impl Relay {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        let (wake, is_to_look, moved) = Default::default();
        Self { stores, clock, fresh: Fresh::default(), wake, is_to_look, moved }
    }

    /// Something was stored with an outbox: move it now.
    pub fn wake(&self) {
        self.is_to_look.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// This was stored: move what follows from it, and make its digest, without reading it again.
    pub fn hand_over(&self, call: Stored<Call>) {
        match self.fresh.put(call) {
            true => self.wake.notify_one(),
            false => self.wake(),
        }
    }

    /// Move again and again until `stop`, and once more then.
    pub async fn run(self, stop: CancellationToken) {
        let _taker = self.fresh.attend();
        let mut moved = Moved { calls: Vec::new(), settled: Instant::now(), looked: None };
        while !stop.is_cancelled() {
            self.round(&mut moved).await;
            let pause = if moved.calls.is_empty() { PAUSE } else { LINGER };
            let woken = async {
                // Either is a reason to look.
                let _ = timeout(pause, self.wake.notified()).await;
            };
            let _ = stop.run_until_cancelled(woken).await;
        }
        moved.looked = None;
        let last = async {
            self.round(&mut moved).await;
            self.settle(&mut moved).await;
        };
        let _ = timeout(LAST_ROUND, last).await;
    }

    /// First what was handed over, then what else is in the store, if it is time to look.
    async fn round(&self, moved: &mut Moved) {
        loop {
            let fresh = self.fresh.take(BATCH);
            let is_last = fresh.len() < BATCH;
            self.move_fresh(fresh, moved).await;
            if moved.calls.len() >= BATCH || (is_last && moved.settled.elapsed() >= LINGER) {
                self.settle(moved).await;
            }
            if is_last {
                break;
            }
        }
        let is_woken = self.is_to_look.swap(false, Ordering::AcqRel);
        if is_woken || moved.looked.is_none_or(|looked| looked.elapsed() >= PAUSE) {
            self.look().await;
            moved.looked = Some(Instant::now());
        }
    }

    /// What cannot be moved now is left to whoever finds it in the store.
    async fn move_fresh(&self, fresh: Vec<Stored<Call>>, moved: &mut Moved) {
        if fresh.is_empty() {
            return;
        }
        match self.store_what_follows(&fresh).await {
            Ok(_) => moved.calls.extend(fresh),
            Err(error) => {
                tracing::debug!(%error, "what follows from results is moved later");
                self.fresh.let_go(&fresh);
            }
        }
    }

    /// Many at once: a document that is changed in a transaction with others costs a fraction.
    async fn settle(&self, moved: &mut Moved) {
        moved.settled = Instant::now();
        let calls = std::mem::take(&mut moved.calls);
        if calls.is_empty() {
            return;
        }
        let Self { stores, clock, fresh, .. } = self.clone();
        let digester = Digester { stores, clock, fresh };
        let settled = async {
            digester.digest(&calls).await?;
            self.stores.all_calls().settle(&calls).await
        };
        if let Err(error) = settled.await {
            tracing::debug!(%error, "digests are made later");
        }
        self.fresh.let_go(&calls);
    }

    async fn look(&self) {
        if let Err(error) = self.move_all().await {
            tracing::warn!(%error, "what follows from calls could not be moved");
        }
    }

    /// Move all that is there; answers how many events. One that cannot be moved keeps no other from its turn.
    pub async fn move_all(&self) -> Result<usize, StoreError> {
        let (mut moved, mut after) = (0, None);
        loop {
            let page = self.stores.all_calls().list_with_outbox(BATCH, after).await?;
            let is_held = |call: &Stored<Call>| {
                let outbox = call.value.outbox.as_ref();
                outbox.is_some_and(|outbox| self.fresh.holds_outbox(&call.id, &outbox.mark))
            };
            moved += self.move_some(page.items.into_iter().filter(|call| !is_held(call)).collect()).await?;
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(moved);
            }
        }
    }

    /// A batch at once, or call by call where something in it may not be stored.
    async fn move_some(&self, calls: Vec<Stored<Call>>) -> Result<usize, StoreError> {
        match self.move_batch(&calls).await {
            Err(StoreError::Engine(EngineError::Malformed(_))) => {}
            done => return done,
        }
        let mut moved = 0;
        for call in &calls {
            match self.move_batch(std::slice::from_ref(call)).await {
                Ok(some) => moved += some,
                Err(error @ StoreError::Engine(EngineError::Malformed(_))) => {
                    tracing::error!(call.id = %call.id, %error, "what follows from a call cannot be stored");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    async fn move_batch(&self, calls: &[Stored<Call>]) -> Result<usize, StoreError> {
        let moved = self.store_what_follows(calls).await?;
        let read =
            calls.iter().filter_map(|call| Some((call.id.clone(), call.value.outbox.as_ref()?.mark.clone())));
        self.stores.all_calls().clear_outboxes(&read.collect::<Vec<_>>()).await?;
        Ok(moved)
    }

    /// Put what follows where it belongs; answers how many events.
    async fn store_what_follows(&self, calls: &[Stored<Call>]) -> Result<usize, StoreError> {
        let (now, mut sorted) = (Stamp(self.clock.now()), Sorted::default());
        for call in calls {
            if let Some(outbox) = call.value.outbox.clone() {
                sort_out(call, outbox, now, &mut sorted);
            }
        }
        let moved = sorted.events.len();
        self.stores.all_ledger().insert_entries(sorted.entries).await?;
        self.stores.all_jobs().insert_jobs(sorted.jobs).await?;
        self.stores.all_events().insert_events(sorted.events).await?;
        if moved > 0 {
            self.moved.notify_one();
        }
        Ok(moved)
    }
}

/// What goes where.
#[derive(Default)]
struct Sorted {
    events: Vec<(String, Event)>,
    entries: Vec<(String, Entry)>,
    jobs: Vec<(String, Job)>,
}

/// Each entry to those of its kind.
fn sort_out(call: &Stored<Call>, outbox: Outbox, now: Stamp, to: &mut Sorted) {
    let (tenant_id, session_id) = (&call.value.tenant_id, call.id.parse::<SessionId>().ok());
    let traceparent = outbox.traceparent;
    for entry in outbox.entries {
        let id = format!("{}:{}", call.id, entry.id);
        match entry.what {
            Follows::Event { event, mut data } => {
                redaction::event(call.value.redaction.as_ref(), &mut data);
                to.events.push((
                    Event::id_of(&id).to_string(),
                    Event {
                        tenant_id: tenant_id.clone(),
                        event,
                        at: entry.at,
                        recorded_at: now,
                        session_id: session_id.clone(),
                        bot_id: Some(call.value.bot_id.clone()),
                        data,
                        seq: None,
                        follows: None,
                        fresh_since: Some(now),
                        traceparent,
                    },
                ));
            }
            Follows::Job { queue, job, arguments, begins_at } => {
                let mut made = Job::new(tenant_id.clone(), (queue, &job), arguments, entry.at);
                made.due_at = begins_at.or(made.due_at);
                made.traceparent = traceparent;
                to.jobs.push((Job::id_of(&format!("{}:{}", call.id, entry.id)).to_string(), made));
            }
            Follows::Ledger(line) => {
                let Some(session_id) = session_id.clone() else { continue };
                let (tenant_id, at) = (tenant_id.clone(), entry.at);
                to.entries.push((id, Entry { tenant_id, session_id, at, recorded_at: now, line }));
            }
        }
    }
}
