//! The history of reservations: who was promised a slot where, and what else could have been chosen. Which slots are free is not
//! decided here but in the documents of workers and hosts (`store/holds.rs`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{ReservationId, WorkerId};

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Filter, Index, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";

const MADE_AT: Field<Text> = field!(Reservation => made_at: Text);
const ENDED_AT: Field<Text> = field!(Reservation => ended_at: Text);
const ENDED_AS: Field<Text> = field!(Reservation => ended_as: Text);

pub static RESERVATIONS: Collection = Collection {
    name: "reservations",
    indexes: &[Index::ordered(BY_TIME, &[MADE_AT.place()])],
    fields: &[ENDED_AT.place(), ENDED_AS.place()],
    steps: &[],
};

/// One reservation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reservation {
    /// What for: `api` or `dialout`.
    pub purpose: String,
    pub made_at: Stamp,
    pub expires_at: Stamp,
    pub host: String,
    /// Absent when the host is polled: its own balancer finds the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    pub address: String,
    /// The hosts as they were seen, the one with the most free slots first.
    pub candidates: Vec<Candidate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// `confirmed` or `released`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_as: Option<String>,
}

/// A host that could have been chosen, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub host: String,
    /// `ok`, `draining`, `unhealthy`.
    pub status: String,
    /// Slots that were neither busy nor promised.
    pub free: u32,
}

/// How a reservation ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The worker has the call.
    Confirmed,
    /// It was given back.
    Released,
}

/// The reservations of the deployment.
pub struct Reservations(Documents<Reservation>);

impl Reservations {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &RESERVATIONS))
    }

    pub async fn insert(&self, id: &ReservationId, reservation: &Reservation) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), reservation).await
    }

    pub async fn find(&self, id: &ReservationId) -> Result<Option<Stored<Reservation>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Note how it ended; the first word counts.
    pub async fn end(&self, id: &ReservationId, how: Ended, now: Stamp) -> Result<(), StoreError> {
        let word = match how {
            Ended::Confirmed => "confirmed",
            Ended::Released => "released",
        };
        let running = Query::by_id(&RESERVATIONS, id.as_str()).filter(Filter::absent(ENDED_AT));
        self.0.update(running, Update::default().set(ENDED_AT, now).set(ENDED_AS, word)).await.map(drop)
    }

    /// Forget those made before `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&RESERVATIONS, BY_TIME).below(MADE_AT, before).limit(SWEPT)).await
    }
}
