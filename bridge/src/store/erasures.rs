//! Erasures of people: the work, while it runs, and the proof of it, which does not hold the number.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use vox_shared::ids::{JobId, TenantId};
use vox_shared::model::bot::ApiKey;

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";
const BY_DUE: &str = "by_due";

const ASKED_AT: Field<Text> = field!(Erasure => asked_at: Text);
const DUE_AT: Field<Text> = field!(Erasure => due_at: Text);

pub static ERASURES: Collection = Collection {
    name: "erasures",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), ASKED_AT.place()]),
        // Those that are done are not in it.
        Index::sparse(BY_DUE, &[DUE_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// An erasure as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Erasure {
    pub tenant_id: TenantId,
    /// The user who asked for it.
    pub asked_by: String,
    pub asked_at: Stamp,
    /// In the form that compares; sealed, and absent once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<ApiKey>,
    /// HMAC-SHA256 of the comparable form under the tenant's own key, hex.
    pub number_hash: String,
    /// Whether the number is taken off the do-not-call list too.
    #[serde(default)]
    pub unlist: bool,
    /// When a bridge goes on with it; a bridge that works on it sets it ahead. Absent once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Stamp>,
    /// Calls that are being deleted: those that a bridge was killed with are looked at again.
    #[serde(default)]
    pub going: Vec<String>,
    /// Calls that are gone.
    pub calls: u64,
    /// Calls that stay because of a legal hold, in the last round.
    pub held: u64,
    /// Calls that ran, or could not be removed everywhere, in the last round.
    pub waiting: u64,
    /// Calls that are gone, and whose archived part was not in the object store any more when it was to be removed: some of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// How many these are.
    #[serde(default)]
    pub lost_count: u64,
    /// All calls are gone, and the indexes over words are being written anew.
    #[serde(default)]
    pub is_renewing: bool,
    /// The number stands on the do-not-call list.
    #[serde(default)]
    pub listed: bool,
}

impl OfTenant for Erasure {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The erasures of one tenant.
pub struct Erasures(Scoped<Erasure>);

impl Erasures {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &ERASURES), tenant))
    }

    pub async fn insert_erasure(&self, id: &JobId, erasure: &Erasure) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), erasure).await
    }

    pub async fn get_erasure(&self, id: &JobId) -> Result<Stored<Erasure>, StoreError> {
        self.0.get(id.as_str()).await
    }
}

/// The erasures of all tenants, for the job.
pub struct AllErasures(Documents<Erasure>);

impl AllErasures {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &ERASURES))
    }

    /// Take the one that is due the longest, for so long; no other bridge gets it meanwhile.
    pub async fn claim(
        &self,
        now: Stamp,
        lease: SignedDuration,
    ) -> Result<Option<Stored<Erasure>>, StoreError> {
        let due = Query::by_index(&ERASURES, BY_DUE).below(DUE_AT, now.next()).limit(1);
        self.0.update(due, Update::default().set(DUE_AT, now + lease)).await
    }

    /// [`StoreError::Conflict`] when another bridge took it over.
    pub async fn replace_erasure(&self, erasure: Stored<Erasure>) -> Result<Stored<Erasure>, StoreError> {
        self.0.replace(erasure).await
    }
}
