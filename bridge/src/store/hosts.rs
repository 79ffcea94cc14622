//! Machines of workers: which of them drain, and those that do not register and are polled instead, with the slots of theirs
//! that are promised.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::ReservationId;

use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Cursor, Engine, Field, Index, Query, Text, Update};
use super::holds::{Hold, settle};
use super::stamp::Stamp;
use crate::field;

const BY_NAME: &str = "by_name";
const BY_NEXT_POLL: &str = "by_next_poll";
/// Tries to write what a host said while its slots are promised and given back.
const MAX_TRIES: usize = 20;

const NAME: Field<Text> = field!(Host => name: Text);
const NEXT_POLL_AT: Field<Text> = field!(Host => next_poll_at: Text);

pub static HOSTS: Collection = Collection {
    name: "hosts",
    indexes: &[
        Index::ordered(BY_NAME, &[NAME.place()]),
        // Those that are polled.
        Index::sparse(BY_NEXT_POLL, &[NEXT_POLL_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// A machine; the id is its name. One whose workers register is here only while it drains.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    /// It is given no new calls.
    pub draining: bool,
    pub added_at: Stamp,
    /// Where it is polled; absent when its workers register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it is to be asked again; absent when it is not polled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_poll_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled: Option<Polled>,
    /// Promised slots, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

/// What a host answered last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Polled {
    pub at: Stamp,
    /// Its slots, or why they are not known.
    pub said: Result<Reading, String>,
}

/// The slots of a host that is healthy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub max: u32,
    pub calls: u32,
    pub available: u32,
    /// As the host tells them.
    pub workers: Vec<Value>,
}

/// The machines of the deployment.
pub struct Hosts(Documents<Host>);

impl Hosts {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &HOSTS))
    }

    pub async fn find_host(&self, name: &str) -> Result<Option<Stored<Host>>, StoreError> {
        self.0.find(name).await
    }

    /// All, by their names.
    pub async fn list_hosts(&self) -> Result<Vec<Stored<Host>>, StoreError> {
        let (mut hosts, mut after) = (Vec::new(), None);
        loop {
            let listed = self.0.list(Query::by_index(&HOSTS, BY_NAME).from(NAME, "").after(after)).await?;
            hosts.extend(listed.items);
            let Some(next) = listed.next_cursor else { return Ok(hosts) };
            after = Some(Cursor::parse(&next)?);
        }
    }

    pub async fn insert_host(&self, host: &Host) -> Result<(), StoreError> {
        self.0.insert(&host.name, host).await
    }

    /// Write back what was read here; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace(&self, host: Stored<Host>) -> Result<(), StoreError> {
        self.0.replace(host).await.map(drop)
    }

    /// Change a host, whoever else does. [`StoreError::NotFound`] when there is none of that name.
    pub async fn change<T>(&self, name: &str, change: impl Fn(&mut Host) -> T) -> Result<T, StoreError> {
        for _ in 0..MAX_TRIES {
            let mut host = self.find_host(name).await?.ok_or(StoreError::NotFound)?;
            let answer = change(&mut host.value);
            match self.replace(host).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| answer),
            }
        }
        Err(StoreError::Conflict)
    }

    pub async fn delete_host(&self, host: &Stored<Host>) -> Result<(), StoreError> {
        self.0.delete(&host.id, host.version).await
    }

    /// Take a host that is to be asked now; nobody else asks it before `again`.
    pub async fn claim_poll(&self, now: Stamp, again: Stamp) -> Result<Option<Stored<Host>>, StoreError> {
        let due = Query::by_index(&HOSTS, BY_NEXT_POLL).below(NEXT_POLL_AT, now);
        self.0.update(due, Update::default().set(NEXT_POLL_AT, again)).await
    }

    /// Note what a host said. Answers the promises that were kept: their calls are among the host's now.
    pub async fn note(
        &self,
        name: &str,
        polled: &Polled,
        again: Stamp,
    ) -> Result<Vec<ReservationId>, StoreError> {
        self.change(name, |host| {
            let calls = |polled: &Polled| polled.said.as_ref().ok().map(|reading| reading.calls);
            let before = host.polled.as_ref().and_then(calls);
            let began = calls(polled).zip(before).map_or(0, |(now, before)| now.saturating_sub(before));
            host.polled = Some(polled.clone());
            host.next_poll_at = host.url.as_ref().map(|_| again);
            settle(&mut host.holds, began, polled.at)
        })
        .await
    }
}
