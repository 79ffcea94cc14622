//! Adds to the sums what digests say, so that each call counts exactly once, however often its digest is made anew and whatever is
//! killed. A batch is written down before the first sum is touched; each sum remembers the last batch that was added to it, and each
//! digest what was counted of it and in which batch. Whoever finds a batch that is not empty goes on with it: what is done is not
//! done again. There is one batch of a tenant at a time, which is all that bridges need to agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::cell::{Cell, Key, decode};
use super::crowd::Crowd;
use super::fact::Fact;
use crate::error::with_source;
use crate::store::rollups::{Batch, Grain, Item, Rollup, Rollups};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Pause between two rounds. Sums are late by that and by the making of digests.
const PAUSE: Duration = Duration::from_secs(2);
/// Pause before the next batch while there is more to do.
const BREATH: Duration = Duration::from_millis(50);
/// Digests of one batch.
const BATCH: usize = 500;
/// Documents that are written at the same time.
const AT_ONCE: usize = 16;
/// Calls of a tenant that cannot be counted are looked at again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// Tries of a sum against others that write it.
const MAX_TRIES: usize = 16;

/// What is to be added to one sum.
type Change = BTreeMap<Key, Cell>;

/// Counts. Cheap to clone.
#[derive(Clone)]
pub struct Counting {
    pub stores: Stores,
    pub clock: Clock,
}

impl Counting {
    /// Work until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE;
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            pause = match Box::pin(self.round()).await {
                Ok(BATCH) => BREATH,
                Ok(_) => PAUSE,
                Err(error) => {
                    tracing::warn!(error = with_source(&error), "calls could not be counted");
                    PAUSE
                }
            };
        }
    }

    /// One batch; answers how many digests were to be counted. Those of a tenant whose calls cannot be counted wait, so that they keep
    /// no other from its turn.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let (all, now) = (self.stores.all_digests(), Stamp(self.clock.now()));
        let due = all.list_due(now, BATCH).await?;
        let tenants: BTreeSet<TenantId> = due.into_iter().map(|digest| digest.value.tenant_id).collect();
        let (mut ready, mut failed) = (BTreeMap::new(), BTreeSet::new());
        for tenant in tenants {
            if let Some(batch) = unless_it_fails(&tenant, self.finish(&tenant).await, &mut failed) {
                ready.insert(tenant, batch);
            }
        }
        // Read after that: from here on they say what the last batch counted.
        let due = all.list_due(now, BATCH).await?;
        let found = due.len();
        let mut items: BTreeMap<TenantId, Vec<Item>> = BTreeMap::new();
        for digest in due {
            let value = digest.value;
            let (call_version, old, new) = (value.call_version, value.counted, value.fact);
            items.entry(value.tenant_id).or_default().push(Item { call: digest.id, call_version, old, new });
        }
        for (tenant, items) in items {
            let calls: Vec<String> = items.iter().map(|item| item.call.clone()).collect();
            if let Some(batch) = ready.remove(&tenant) {
                let counted = async { self.carry_out(self.begin(batch, items).await?).await };
                unless_it_fails(&tenant, counted.await, &mut failed);
            }
            if failed.contains(&tenant) {
                for call in calls {
                    all.postpone(&call, now + AGAIN).await?;
                }
            }
        }
        Ok(found)
    }

    /// Write down a batch.
    async fn begin(&self, last: Stored<Batch>, items: Vec<Item>) -> Result<Stored<Batch>, StoreError> {
        let rollups = self.stores.rollups(&last.value.tenant_id);
        let batch = Batch { number: last.value.number + 1, items, ..last.value };
        rollups.replace_batch(Stored { value: batch, ..last }).await
    }

    /// Carry the tenant's batch to its end, if there is one; answers it, empty.
    async fn finish(&self, tenant: &TenantId) -> Result<Stored<Batch>, StoreError> {
        let batch = self.stores.rollups(tenant).batch().await?;
        self.carry_out(batch).await
    }

    /// The same, of the batch as it is stored.
    async fn carry_out(&self, batch: Stored<Batch>) -> Result<Stored<Batch>, StoreError> {
        let rollups = self.stores.rollups(&batch.value.tenant_id);
        if batch.value.items.is_empty() {
            return Ok(batch);
        }
        let number = batch.value.number;
        let changes = stream::iter(changes(&batch.value.items))
            .map(|((grain, start), change)| add(&rollups, (grain, start), change, number));
        changes.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        self.stores.all_digests().mark_counted(&batch.value.items, number).await?;
        let empty = Batch { items: Vec::new(), ..batch.value };
        rollups.replace_batch(Stored { id: batch.id, version: batch.version, value: empty }).await
    }
}

/// Note who failed.
fn unless_it_fails<T>(
    tenant: &TenantId,
    outcome: Result<T, StoreError>,
    failed: &mut BTreeSet<TenantId>,
) -> Option<T> {
    match outcome {
        Ok(done) => Some(done),
        // Another bridge counts.
        Err(StoreError::Conflict) => None,
        Err(error) => {
            tracing::error!(tenant.id = %tenant, error = with_source(&error), "a tenant's calls could not be counted");
            failed.insert(tenant.clone());
            None
        }
    }
}

/// What a batch changes of each sum.
fn changes(items: &[Item]) -> BTreeMap<(Grain, String), Change> {
    let mut changes: BTreeMap<(Grain, String), Change> = BTreeMap::new();
    for item in items {
        for (fact, times) in [(&item.old, -1), (&item.new, 1)] {
            let Some(fact) = fact else { continue };
            let Some((key, cell)) = read(fact) else { continue };
            for grain in Grain::ALL {
                let change = changes.entry((grain, grain.start_of(fact))).or_default();
                change.entry(key.clone()).or_default().add(&cell, times);
            }
        }
    }
    for change in changes.values_mut() {
        change.retain(|_, cell| !cell.is_empty());
    }
    changes.retain(|_, change| !change.is_empty());
    changes
}

fn read(fact: &Fact) -> Option<(Key, Cell)> {
    let read = decode(&fact.cell);
    if read.is_none() {
        tracing::error!("a fact makes no sense, and is not counted");
    }
    read
}

/// Add to one sum, unless this batch was added before.
async fn add(
    rollups: &Rollups,
    (grain, start): (Grain, String),
    change: Change,
    batch: i64,
) -> Result<(), StoreError> {
    for _ in 0..MAX_TRIES {
        let found = rollups.find(grain, &start).await?;
        if found.as_ref().is_some_and(|found| found.value.batch >= batch) {
            return Ok(());
        }
        let written = match found {
            Some(mut found) => {
                let sum = &mut found.value;
                (sum.cells, sum.coarseness) = added((&sum.cells, sum.coarseness), &change);
                sum.batch = batch;
                rollups.replace(found).await
            }
            None => {
                let (tenant_id, start) = (rollups.tenant().clone(), start.clone());
                let (cells, coarseness) = added((&[], 0), &change);
                rollups.insert(&Rollup { tenant_id, grain, start, batch, cells, coarseness }).await
            }
        };
        match written {
            Err(StoreError::Conflict | StoreError::Duplicate) => {}
            done => return done,
        }
    }
    Err(StoreError::Conflict)
}

fn added((cells, coarseness): (&[String], u8), change: &Change) -> (Vec<String>, u8) {
    let mut crowd = Crowd::of(cells, coarseness);
    change.iter().for_each(|(key, cell)| crowd.add(key, cell));
    crowd.stored()
}
