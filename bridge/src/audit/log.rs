//! Adding entries. The next entry needs the hash of the last one, so those of a tenant are written one after the other: within
//! this process by a lock that keeps the head, among several by the number, which only one can take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::refusals::Refusals;
use crate::store::audit::{Entry, Link};
use crate::store::{Stamp, StoreError, Stores};

/// Longest wait for the entries before, and for a number that no other bridge took: each lost one is somebody else's entry, so even
/// many bridges that write at once get on.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// Entries that one bridge may add without a pause. It knows the head by its own last entry and needs one step for the next one,
/// another bridge needs two: without a pause a busy bridge would win every time.
const MAX_IN_A_ROW: u32 = 8;
/// That pause, in the time that the last write took: enough for a read and a write of another bridge.
const PAUSE_IN_WRITES: u32 = 3;
/// And at most: those who wait here have a deadline, and a store that is slow is slow for everybody.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Why an entry was not stored. The request that it belongs to must not go on.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the entries before take too long")]
    Busy,
    #[error("others took every number that was tried")]
    Outrun,
    #[error("the audit log takes no entry")]
    Store(#[from] StoreError),
    /// The message went to the log through the panic hook.
    #[error("the task that stores entries ended early")]
    Ended,
}

/// The end of a chain as this process knows it.
#[derive(Debug, Default)]
struct Head {
    /// `None` when it has to be read.
    last: Option<Link>,
    /// Entries that were added one behind the other, without a read of the head or a pause.
    in_a_row: u32,
    /// Nothing is added before: it is the others' turn.
    pause_until: Option<Instant>,
    /// When the store failed last. Whoever waited then is refused too: each for himself would wait as long again.
    failed: Option<Instant>,
}

type Shared = Arc<tokio::sync::Mutex<Head>>;

/// The audit logs of all tenants.
pub struct AuditLog {
    stores: Stores,
    clock: Clock,
    pub(super) refusals: Refusals,
    /// One for each tenant that had a write since the start.
    heads: Mutex<HashMap<TenantId, Shared>>,
}

impl AuditLog {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock, refusals: Refusals::default(), heads: Mutex::default() }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Store an entry as the last of its tenant's chain; answers its number. It costs one write, and one read of the head
    /// after a start, after a failure and for each number that another bridge took. If the answer of a write was lost the entry may be there.
    pub async fn append(&self, entry: Entry) -> Result<i64, AuditError> {
        let (head, began) = (self.head_of(&entry.tenant_id), Instant::now());
        let mut head = timeout(MAX_WAIT, head.lock()).await.map_err(|_| AuditError::Busy)?;
        if head.failed.is_some_and(|at| at >= began) {
            return Err(AuditError::Busy);
        }
        let stored = self.append_after(&mut head, entry, began + MAX_WAIT).await;
        head.failed = stored.is_err().then(Instant::now);
        stored
    }

    async fn append_after(&self, head: &mut Head, entry: Entry, until: Instant) -> Result<i64, AuditError> {
        let entries = self.stores.audit(&entry.tenant_id);
        if let Some(pause) = head.pause_until.take() {
            // Nobody gets past it here, so the entries keep their order.
            tokio::time::sleep_until(pause.into()).await;
        }
        loop {
            // Taken out: whatever ends this early, the next one reads anew.
            let last = match head.last.take() {
                Some(known) => known,
                None => {
                    head.in_a_row = 0;
                    entries.head().await?
                }
            };
            let entry = Entry { at: Stamp(self.clock.now()), ..entry.clone() }.linked(&last);
            let began = Instant::now();
            match entries.insert_entry(&entry).await {
                Err(StoreError::Duplicate) if Instant::now() < until => {}
                Err(StoreError::Duplicate) => return Err(AuditError::Outrun),
                stored => {
                    stored?;
                    // Somewhere else than in the store that it vouches for.
                    tracing::info!(tenant.id = %entry.tenant_id, seq = entry.seq, hash = entry.hash, "audit entry");
                    head.last = Some(entry.link());
                    head.in_a_row += 1;
                    if head.in_a_row == MAX_IN_A_ROW {
                        head.in_a_row = 0;
                        let pause = (PAUSE_IN_WRITES * began.elapsed()).min(LONGEST_PAUSE);
                        head.pause_until = Some(Instant::now() + pause);
                    }
                    return Ok(entry.seq);
                }
            }
        }
    }

    fn head_of(&self, tenant: &TenantId) -> Shared {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant.clone()).or_default().clone()
    }
}
