//! Core workers that registered and have not let their lease run out, with the slots of theirs that are promised.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{ReservationId, WorkerId};
use vox_shared::wire::fleet::WorkerReport;

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Cursor, Engine, Field, Index, Query, Text};
use super::holds::{Hold, settle};
use super::stamp::Stamp;
use crate::field;

const BY_EXPIRY: &str = "by_expiry";
/// Tries to write a registration while its slots are promised and given back.
const MAX_TRIES: usize = 20;

const EXPIRES_AT: Field<Text> = field!(Registration => expires_at: Text);

pub static WORKERS: Collection = Collection {
    name: "workers",
    indexes: &[Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()])],
    fields: &[],
    steps: &[],
};

/// A registration; the id is the worker's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    pub report: WorkerReport,
    pub expires_at: Stamp,
    /// Promised slots, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

impl Registration {
    pub fn new(report: WorkerReport, expires_at: Stamp) -> Self {
        Self { report, expires_at, holds: Vec::new() }
    }
}

/// The workers of the deployment.
pub struct Workers(Documents<Registration>);

impl Workers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &WORKERS))
    }

    /// Register or renew. Answers the promises that were kept: their calls are among the worker's now.
    pub async fn register(
        &self,
        report: &WorkerReport,
        (now, expires_at): (Stamp, Stamp),
    ) -> Result<Vec<ReservationId>, StoreError> {
        let id = report.worker_id.as_str();
        for _ in 0..MAX_TRIES {
            let mut new = Registration::new(report.clone(), expires_at);
            let (outcome, kept) = match self.0.find(id).await? {
                None => (self.0.insert(id, &new).await, Vec::new()),
                Some(old) => {
                    new.holds.clone_from(&old.value.holds);
                    let kept = settle(&mut new.holds, began(&old.value.report, report), now);
                    (self.0.replace(Stored { value: new, ..old }).await.map(drop), kept)
                }
            };
            match outcome {
                Err(StoreError::Duplicate | StoreError::Conflict) => {}
                other => return other.map(|()| kept),
            }
        }
        Err(StoreError::Conflict)
    }

    pub async fn find_worker(&self, id: &WorkerId) -> Result<Option<Registration>, StoreError> {
        Ok(self.find_registration(id).await?.map(|s| s.value))
    }

    /// The registration, to be written back changed.
    pub async fn find_registration(&self, id: &WorkerId) -> Result<Option<Stored<Registration>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Write back what was read here; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace(&self, worker: Stored<Registration>) -> Result<(), StoreError> {
        self.0.replace(worker).await.map(drop)
    }

    /// All whose lease runs still, by their ids.
    pub async fn list_live(&self, now: Stamp) -> Result<Vec<Registration>, StoreError> {
        Ok(self.list_registrations(now).await?.into_iter().map(|stored| stored.value).collect())
    }

    /// The same, to be written back changed.
    pub async fn list_registrations(&self, now: Stamp) -> Result<Vec<Stored<Registration>>, StoreError> {
        // By id: one that renews between two pages moves to a later page and is met twice.
        let mut live = BTreeMap::new();
        let mut after = None;
        loop {
            let query = Query::by_index(&WORKERS, BY_EXPIRY).from(EXPIRES_AT, now).after(after);
            let listed = self.0.list(query).await?;
            live.extend(listed.items.into_iter().map(|stored| (stored.id.clone(), stored)));
            let Some(next) = listed.next_cursor else { return Ok(live.into_values().collect()) };
            after = Some(Cursor::parse(&next)?);
        }
    }

    /// Forget those whose lease ended before `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&WORKERS, BY_EXPIRY).below(EXPIRES_AT, before).limit(SWEPT)).await
    }
}

/// How many calls began between two reports, as far as they tell.
fn began(old: &WorkerReport, new: &WorkerReport) -> u32 {
    let another = new.session_id.is_some() && new.session_id != old.session_id;
    new.calls.saturating_sub(old.calls).max(u32::from(another))
}
