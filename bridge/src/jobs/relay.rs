//! Moves what follows from a fact out of the fact's document: see `store/outbox.rs`. Any number of bridges may do it at once, and
//! each step may be repeated: entries have fixed ids where they go, and an outbox is emptied only as it was read.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;

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
/// Outboxes emptied at the same time.
const AT_ONCE: usize = 16;
/// Longest wait for the round that the end of the process cuts short.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// The relay. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub stores: Stores,
    pub clock: Clock,
    wake: Arc<Notify>,
    /// Events were moved: there is something to be told.
    pub moved: Arc<Notify>,
}

impl Relay {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock, wake: Arc::default(), moved: Arc::default() }
    }

    /// Something was stored with an outbox: move it now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Move again and again until `stop`, and once more then.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.round().await;
            let woken = async {
                // Either is a reason to look.
                let _ = timeout(PAUSE, self.wake.notified()).await;
            };
            let _ = stop.run_until_cancelled(woken).await;
        }
        let _ = timeout(LAST_ROUND, self.round()).await;
    }

    async fn round(&self) {
        if let Err(error) = self.move_all().await {
            tracing::warn!(%error, "what follows from calls could not be moved");
        }
    }

    /// Move all that is there; answers how many events. One that cannot be moved keeps no other from its turn.
    pub async fn move_all(&self) -> Result<usize, StoreError> {
        let (mut moved, mut after) = (0, None);
        loop {
            let page = self.stores.all_calls().list_with_outbox(BATCH, after).await?;
            moved += self.move_some(page.items).await?;
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
        let now = Stamp(self.clock.now());
        let (mut sorted, mut emptied) = (Sorted::default(), Vec::new());
        for call in calls {
            let Some(outbox) = call.value.outbox.clone() else { continue };
            emptied.push((call.id.clone(), outbox.mark.clone()));
            sort_out(call, outbox, now, &mut sorted);
        }
        let moved = sorted.events.len();
        self.stores.all_ledger().insert_entries(sorted.entries).await?;
        self.stores.all_jobs().insert_jobs(sorted.jobs).await?;
        self.stores.all_events().insert_events(sorted.events).await?;
        if moved > 0 {
            self.moved.notify_one();
        }
        let mut cleared = stream::iter(emptied)
            .map(|(id, mark)| async move { self.stores.all_calls().clear_outbox(&id, &mark).await })
            .buffer_unordered(AT_ONCE);
        while let Some(done) = cleared.next().await {
            done?;
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
