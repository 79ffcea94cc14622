//! Calls that are deleted, held and shared: what goes, what stays, and in which order, so that nothing brings a deleted call back
//! (decision 0037). A deletion is one write; what it leaves elsewhere (the recording, events, deliveries) is removed after it, by
//! whoever deleted the call or by `jobs/custody.rs`.

mod campaigns;
pub mod clean;
pub mod erasure;
pub mod links;
pub mod retention;
pub mod tiers;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;

use crate::auth::token::{SigningFailed, Tokens};
use crate::objects::Objects;
use crate::shelf::depot::Depot;
use crate::store::calls::Call;
use crate::store::calls::custody::Hold;
use crate::store::calls::tier::Tier;
use crate::store::{Reach, Stamp, StoreError, Stored, Stores};

/// Tries against others that write the same call.
const MAX_TRIES: usize = 8;

/// Who deletes, holds and shares calls. Cheap to clone.
#[derive(Clone)]
pub struct Custodian {
    pub stores: Stores,
    pub clock: Clock,
    pub objects: Arc<dyn Objects>,
    /// Where the heavy parts of archived calls are.
    pub depot: Arc<Depot>,
    pub tokens: Arc<Tokens>,
    /// The engine's own files may still hold what was deleted. True at the start: whoever was killed did not say.
    pub unsettled: Arc<AtomicBool>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    #[error("the call has not ended; end it first, or wait until it has")]
    Running,
    #[error("the call is under a legal hold; lift the hold first")]
    Held,
    #[error("the call has no recording, so there is nothing to link to")]
    NoRecording,
    #[error("the recording link could not be made")]
    Link(#[from] SigningFailed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Custodian {
    /// Delete a call. After this nothing shows it any more, and what comes late of it is not kept.
    pub async fn delete(&self, reach: &Reach, id: &SessionId) -> Result<(), CustodyError> {
        let (now, calls) = (Stamp(self.clock.now()), self.stores.calls(reach.clone()));
        for _ in 0..MAX_TRIES {
            // Without its heavy part, of which nothing stays: the object store may be away.
            let mut call = calls.find_listed(id.as_str()).await?.ok_or(StoreError::NotFound)?;
            may_go(&call.value)?;
            call.value.bury(id.as_str(), now);
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => {}
                written => return Ok(written.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Keep a call from being deleted by anybody. Saying it again changes nothing.
    pub async fn hold(&self, reach: &Reach, id: &SessionId, by: &str) -> Result<Hold, CustodyError> {
        let hold = Hold { since: Stamp(self.clock.now()), by: by.to_owned() };
        let held = self.change(reach, id, |call| {
            call.custody_mut().hold.get_or_insert_with(|| hold.clone());
            Ok(())
        });
        Ok(held.await?.value.custody.and_then(|custody| custody.hold).unwrap_or(hold))
    }

    /// Let a call be deleted again.
    pub async fn lift_hold(&self, reach: &Reach, id: &SessionId) -> Result<(), CustodyError> {
        self.change(reach, id, |call| {
            if let Some(custody) = &mut call.custody {
                custody.hold = None;
            }
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Have the engine's own files rid of what was deleted, if they are not. What does not work now is tried again by
    /// `jobs/custody.rs`.
    pub async fn settle(&self) {
        if !self.unsettled.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.stores.settle().await {
            self.unsettled.store(true, Ordering::Relaxed);
            tracing::info!(%error, "the document file keeps what was deleted until its log is written into it");
        }
    }

    /// Change a call within reach in one step: fields that stand in its document in every tier. An archived one stays in its tier and comes
    /// without its heavy part: the object store is not asked, it may be away.
    async fn change(
        &self,
        reach: &Reach,
        id: &SessionId,
        change: impl Fn(&mut Call) -> Result<(), CustodyError>,
    ) -> Result<Stored<Call>, CustodyError> {
        let calls = self.stores.calls(reach.clone());
        for _ in 0..MAX_TRIES {
            let listed = calls.find_listed(id.as_str()).await?;
            let archived = listed.filter(|call| call.value.tier() == Tier::Archive);
            let written = match archived {
                Some(mut call) => {
                    change(&mut call.value)?;
                    calls.shelve_call(call).await
                }
                None => {
                    let mut call = calls.get_call(id).await?;
                    change(&mut call.value)?;
                    calls.replace_call(call).await
                }
            };
            match written {
                // Its result came at this moment, or somebody else changed it.
                Err(StoreError::Conflict) => {}
                written => return Ok(written?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Whether a call may be deleted now.
pub fn may_go(call: &Call) -> Result<(), CustodyError> {
    if call.is_held() {
        return Err(CustodyError::Held);
    }
    if call.is_running() { Err(CustodyError::Running) } else { Ok(()) }
}
