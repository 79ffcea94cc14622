//! Calls that LiveKit brought, under the ids of the events that told so: an event that is told twice is one call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::SessionId;

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::field;

const BY_EXPIRY: &str = "by_expiry";

const EXPIRES_AT: Field<Text> = field!(Dispatch => expires_at: Text);

pub static DISPATCHES: Collection = Collection {
    name: "dispatches",
    indexes: &[Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()])],
    fields: &[],
    steps: &[],
};

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dispatch {
    /// What the call is called, however often it is tried to hand it over.
    pub session_id: SessionId,
    /// When a bridge last began to hand it over.
    pub begun_at: Stamp,
    /// Nothing is to be done any more: a worker has it, or refused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_settled: bool,
    pub expires_at: Stamp,
}

/// The events of the deployment.
pub struct Dispatches(Documents<Dispatch>);

impl Dispatches {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &DISPATCHES))
    }

    /// [`StoreError::Duplicate`] when the event was told before.
    pub async fn insert(&self, event: &str, dispatch: &Dispatch) -> Result<Stored<Dispatch>, StoreError> {
        self.0.insert(event, dispatch).await?;
        Ok(Stored { id: event.to_owned(), version: 1, value: dispatch.clone() })
    }

    pub async fn find(&self, event: &str) -> Result<Option<Stored<Dispatch>>, StoreError> {
        self.0.find(event).await
    }

    /// [`StoreError::Conflict`] when somebody else wrote it since.
    pub async fn replace(&self, dispatch: Stored<Dispatch>) -> Result<Stored<Dispatch>, StoreError> {
        self.0.replace(dispatch).await
    }

    /// Forget what expired; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&DISPATCHES, BY_EXPIRY).below(EXPIRES_AT, now).limit(SWEPT)).await
    }
}
