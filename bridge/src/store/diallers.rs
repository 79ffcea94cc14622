//! Diallers that are at work, so that they share their partitions. Whoever is not here for a while is not counted; it decides nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Index, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";

const SEEN_AT: Field<Text> = field!(Dialler => seen_at: Text);

pub static DIALLERS: Collection = Collection {
    name: "diallers",
    indexes: &[Index::ordered(BY_TIME, &[SEEN_AT.place()])],
    fields: &[],
    steps: &[],
};

/// A dialler; the id is its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dialler {
    pub seen_at: Stamp,
}

/// The diallers of the deployment.
pub struct Diallers(Documents<Dialler>);

impl Diallers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &DIALLERS))
    }

    /// It is at work.
    pub async fn see(&self, name: &str, now: Stamp) -> Result<(), StoreError> {
        let update = Update::default().set(SEEN_AT, now);
        if self.0.update(Query::by_id(&DIALLERS, name), update).await?.is_some() {
            return Ok(());
        }
        match self.0.insert(name, &Dialler { seen_at: now }).await {
            // It was seen in the meantime.
            Err(StoreError::Duplicate) => Ok(()),
            done => done,
        }
    }

    /// Those that were seen since then, by name.
    pub async fn list_since(&self, since: Stamp) -> Result<Vec<String>, StoreError> {
        let page = self.0.list(Query::by_index(&DIALLERS, BY_TIME).from(SEEN_AT, since)).await?;
        let mut names: Vec<String> = page.items.into_iter().map(|Stored { id, .. }| id).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Forget those that were not seen since `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&DIALLERS, BY_TIME).below(SEEN_AT, before).limit(SWEPT)).await
    }
}
