//! Core workers that registered and have not let their lease run out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::WorkerId;
use vox_shared::wire::fleet::WorkerReport;

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Cursor, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::field;

const BY_EXPIRY: &str = "by_expiry";
/// Tries to write a registration that others of the same id write too.
const MAX_TRIES: usize = 5;

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
}

/// The workers of the deployment.
pub struct Workers(Documents<Registration>);

impl Workers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &WORKERS))
    }

    /// Register or renew.
    pub async fn register(&self, registration: Registration) -> Result<(), StoreError> {
        let id = registration.report.worker_id.clone();
        for _ in 0..MAX_TRIES {
            let outcome = match self.0.find(id.as_str()).await? {
                None => self.0.insert(id.as_str(), &registration).await,
                Some(old) => self.0.replace(Stored { value: registration.clone(), ..old }).await.map(drop),
            };
            match outcome {
                Err(StoreError::Duplicate | StoreError::Conflict) => {}
                other => return other,
            }
        }
        Err(StoreError::Conflict)
    }

    pub async fn find_worker(&self, id: &WorkerId) -> Result<Option<Registration>, StoreError> {
        Ok(self.0.find(id.as_str()).await?.map(|s| s.value))
    }

    /// All whose lease runs still, by their ids.
    pub async fn list_live(&self, now: Stamp) -> Result<Vec<Registration>, StoreError> {
        // By id: one that renews between two pages moves to a later page and is met twice.
        let mut live = BTreeMap::new();
        let mut after = None;
        loop {
            let query = Query::by_index(&WORKERS, BY_EXPIRY).from(EXPIRES_AT, now).after(after);
            let listed = self.0.list(query).await?;
            live.extend(listed.items.into_iter().map(|s| (s.id, s.value)));
            let Some(next) = listed.next_cursor else { return Ok(live.into_values().collect()) };
            after = Some(Cursor::parse(&next)?);
        }
    }

    /// Forget those whose lease ended before `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&WORKERS, BY_EXPIRY).below(EXPIRES_AT, before).limit(SWEPT)).await
    }
}
