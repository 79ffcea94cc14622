//! Numbers that campaigns of a tenant rang: whether a call to one is under way, and what came of the calls before. Lock, caps and history are
//! one document, so that "free, under its caps and now mine" is one compare-and-set.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{AttemptId, CampaignId, TenantId};

use super::SWEPT;
use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::campaign::outcome::AttemptResult;
use crate::field;

const OF_TENANT: &str = "of_tenant";
const BY_TOUCH: &str = "by_touch";

const TOUCHED_AT: Field<Text> = field!(CalledNumber => touched_at: Text);

pub static NUMBERS: Collection = Collection {
    name: "numbers",
    indexes: &[
        Index::ordered(OF_TENANT, &[TENANT.place(), TOUCHED_AT.place()]),
        Index::ordered(BY_TOUCH, &[TOUCHED_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// A ring, or one that is about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    pub attempt: AttemptId,
    pub campaign: CampaignId,
    pub at: Stamp,
    /// Absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AttemptResult>,
}

/// A number; the id is the tenant's with the number, E.164.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledNumber {
    pub tenant_id: TenantId,
    /// The attempt that may ring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<AttemptId>,
    /// Of the last 7 days, the newest last; those that turned out not to have rung are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rings: Vec<Ring>,
    /// When a message was left last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_at: Option<Stamp>,
    /// When whoever has it declined a call last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined_at: Option<Stamp>,
    /// When a call of ours that somebody answered was abandoned last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned_at: Option<Stamp>,
    /// Why it is rung no more: no such number, a fax, blocked by the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    pub touched_at: Stamp,
}

impl CalledNumber {
    /// One that was never rung.
    pub fn new(tenant_id: TenantId, now: Stamp) -> Self {
        Self {
            tenant_id,
            lock: None,
            rings: Vec::new(),
            message_at: None,
            declined_at: None,
            abandoned_at: None,
            stopped: None,
            touched_at: now,
        }
    }
}

impl OfTenant for CalledNumber {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The numbers of one tenant.
pub struct Numbers(Scoped<CalledNumber>);

impl Numbers {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &NUMBERS), tenant))
    }

    /// By its E.164 form.
    pub async fn find_number(&self, e164: &str) -> Result<Option<Stored<CalledNumber>>, StoreError> {
        self.0.find(&self.id(e164)).await
    }

    /// [`StoreError::Duplicate`] when it is there.
    pub async fn insert_number(&self, e164: &str, number: &CalledNumber) -> Result<(), StoreError> {
        self.0.insert(&self.id(e164), number).await
    }

    /// Write back what was read; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace_number(&self, number: Stored<CalledNumber>) -> Result<(), StoreError> {
        self.0.replace(number).await.map(drop)
    }

    /// Nothing of it is kept.
    pub async fn forget(&self, e164: &str) -> Result<(), StoreError> {
        self.0.forget(&self.id(e164)).await
    }

    fn id(&self, e164: &str) -> String {
        format!("{}:{e164}", self.0.tenant)
    }
}

/// The numbers of all tenants, for the janitor.
pub struct AllNumbers(Documents<CalledNumber>);

impl AllNumbers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &NUMBERS))
    }

    /// Forget those that nothing happened to since `before`; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&NUMBERS, BY_TOUCH).below(TOUCHED_AT, before).limit(SWEPT)).await
    }
}
