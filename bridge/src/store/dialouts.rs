//! Requests to place a call that carried an `Idempotency-Key`, and what became of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{ReservationId, TenantId};

use super::SWEPT;
use super::bots::Creation;
use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_KEY: &str = "by_key";
const BY_TIME: &str = "by_time";
const BY_CALL: &str = "by_call";

const KEY: Field<Text> = field!(Dialout => creation_key: Text);
const CALL_ID: Field<Text> = field!(Dialout => call_id: Text);
const REQUEST: Field<Text> = field!(Dialout => request: Text);
const MADE_AT: Field<Text> = field!(Dialout => made_at: Text);

pub static DIALOUTS: Collection = Collection {
    name: "dialouts",
    indexes: &[
        Index::unique(BY_KEY, &[TENANT.place(), KEY.place()]),
        Index::ordered(BY_TIME, &[MADE_AT.place()]),
        Index::sparse(BY_CALL, &[TENANT.place(), CALL_ID.place()]),
    ],
    fields: &[REQUEST.place()],
    steps: &[],
};

/// A request; no two of a tenant have the same key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dialout {
    pub tenant_id: TenantId,
    /// Hash of sender and key.
    pub creation_key: String,
    /// Hash of what was asked for.
    pub request: String,
    pub made_at: Stamp,
    /// Absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The call that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
}

/// What became of a request. What surely placed no call is forgotten instead, so that it can be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The worker took it.
    Placed { call_id: String, reservation_id: ReservationId },
    /// A carrier took it, of whose calls there are no reservations: what that calls it, and says of it.
    Elsewhere { call_sid: Option<String>, status: Option<String> },
    /// The worker, or the carrier, may or may not have taken it.
    Unclear { status: u16, detail: String },
}

impl OfTenant for Dialout {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The requests of one tenant.
pub struct Dialouts(Scoped<Dialout>);

impl Dialouts {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &DIALOUTS), tenant))
    }

    /// [`StoreError::Duplicate`] when the key was used.
    pub async fn begin(&self, id: &str, dialout: &Dialout) -> Result<(), StoreError> {
        self.0.insert(id, dialout).await
    }

    pub async fn find_by_key(&self, creation: &Creation) -> Result<Option<Stored<Dialout>>, StoreError> {
        self.0.first(self.0.query(BY_KEY).equals(KEY, &creation.key)).await
    }

    pub async fn finish(&self, id: &str, outcome: &Outcome) -> Result<(), StoreError> {
        let mut dialout = self.0.get(id).await?;
        dialout.value.outcome = Some(outcome.clone());
        if let Outcome::Placed { call_id, .. } = outcome {
            dialout.value.call_id = Some(call_id.clone());
        }
        self.0.replace(dialout).await.map(drop)
    }

    /// Take the hash of what was asked for out of the request that placed this call: whoever guesses the number could tell by it.
    /// Its key stays taken, so that nobody is called twice.
    pub async fn blank(&self, call: &str) -> Result<(), StoreError> {
        let Some(found) = self.0.first(self.0.query(BY_CALL).equals(CALL_ID, call)).await? else {
            return Ok(());
        };
        let update = Update::default().set(REQUEST, "").unset(CALL_ID);
        self.0.update(&found.id, Vec::new(), update).await.map(drop)
    }

    /// Nothing came of it: its key is free again.
    pub async fn forget(&self, id: &str) -> Result<(), StoreError> {
        let dialout = self.0.get(id).await?;
        self.0.delete(&dialout.id, dialout.version).await
    }
}

/// The requests of all tenants, for the janitor.
pub struct AllDialouts(Documents<Dialout>);

impl AllDialouts {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &DIALOUTS))
    }

    /// Forget those made before `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&DIALOUTS, BY_TIME).below(MADE_AT, before).limit(SWEPT)).await
    }
}
