//! What each tenant has used in each period, one document for both: the gate reads and claims in one step on it. Conversations are
//! counted there as they are claimed; the rest is what the ledger adds up to, brought over from time to time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::TenantId;

use super::documents::{Documents, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Integer, Json, Text, Update, holds};
use super::stamp::Stamp;
use crate::billing::limits::{Limits, Resource, Used};
use crate::billing::period::Period;
use crate::field;

const BY_PERIOD: &str = "by_period";

const PERIOD: Field<Text> = field!(Quota => period: Text);
const CONVERSATIONS: Field<Integer> = field!(Quota => conversations: Integer);
const CALL_MS: Field<Integer> = field!(Quota => call_ms: Integer);
const TOKENS: Field<Integer> = field!(Quota => tokens: Integer);
const CHARACTERS: Field<Integer> = field!(Quota => characters: Integer);
const MONEY: Field<Integer> = field!(Quota => money: Integer);
const COUNTED: Field<Integer> = field!(Quota => counted: Integer);
const ADDED_UP: Field<Text> = field!(Quota => added_up: Text);
const TOLD: Field<Json> = field!(Quota => told: Json);

pub static QUOTAS: Collection = Collection {
    name: "quotas",
    indexes: &[Index::ordered(BY_PERIOD, &[TENANT.place(), PERIOD.place()])],
    fields: &[
        CONVERSATIONS.place(),
        CALL_MS.place(),
        TOKENS.place(),
        CHARACTERS.place(),
        MONEY.place(),
        COUNTED.place(),
        ADDED_UP.place(),
        TOLD.place(),
    ],
    steps: &[],
};

/// What one tenant has used in one period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    pub tenant_id: TenantId,
    pub period: String,
    /// Claimed, and in the ledger sooner or later.
    pub conversations: i64,
    pub call_ms: i64,
    pub tokens: i64,
    pub characters: i64,
    pub money: i64,
    /// How many entries of the ledger the sums are of. It only grows, so that an older sum never takes a newer one's place.
    pub counted: i64,
    /// Until when the tenant's entries are in the sums of their days, whichever month these are of. Absent from before the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_up: Option<Stamp>,
    /// Which levels of which limits were told.
    #[serde(default, skip_serializing_if = "Told::is_empty")]
    pub told: Told,
}

/// The limits of which the tenant was told that so much is used, by resource and level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told(BTreeMap<String, i64>);

impl Told {
    fn key(resource: Resource, level: i64) -> String {
        format!("{}/{level}", resource.as_str())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this level of this limit was told. Of another limit it is another level.
    pub fn has(&self, resource: Resource, level: i64, limit: i64) -> bool {
        self.0.get(&Self::key(resource, level)) == Some(&limit)
    }

    pub fn add(&mut self, resource: Resource, level: i64, limit: i64) {
        self.0.insert(Self::key(resource, level), limit);
    }
}

holds! { Json: Told => |told| serde_json::to_value(told).unwrap_or(Value::Null); }

impl OfTenant for Quota {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl Quota {
    pub fn used(&self) -> Used {
        Used {
            conversations: self.conversations,
            call_ms: self.call_ms,
            tokens: self.tokens,
            characters: self.characters,
            money: self.money,
        }
    }
}

/// The field in which a resource is counted.
fn counter(of: Resource) -> Field<Integer> {
    match of {
        Resource::Conversations => CONVERSATIONS,
        Resource::Minutes => CALL_MS,
        Resource::Tokens => TOKENS,
        Resource::Characters => CHARACTERS,
        Resource::Money => MONEY,
    }
}

/// The periods of one tenant.
pub struct Quotas(Scoped<Quota>);

impl Quotas {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &QUOTAS), tenant))
    }

    fn id(&self, period: Period) -> String {
        format!("{}/{period}", self.0.tenant)
    }

    pub async fn find_quota(&self, period: Period) -> Result<Option<Quota>, StoreError> {
        Ok(self.0.find(&self.id(period)).await?.map(|stored| stored.value))
    }

    /// Begin a period with nothing used. Somebody else may have.
    pub async fn begin(&self, period: Period) -> Result<(), StoreError> {
        let quota = Quota {
            tenant_id: self.0.tenant.clone(),
            period: period.to_string(),
            conversations: 0,
            call_ms: 0,
            tokens: 0,
            characters: 0,
            money: 0,
            counted: 0,
            added_up: None,
            told: Told::default(),
        };
        match self.0.insert(&self.id(period), &quota).await {
            Err(StoreError::Duplicate) => Ok(()),
            other => other,
        }
    }

    /// Take one more conversation if something of everything is left, in one step. `None` when not, or when the period has not
    /// begun. After an unclear answer it may have been taken.
    pub async fn claim_conversation(
        &self,
        period: Period,
        limits: &Limits,
    ) -> Result<Option<Quota>, StoreError> {
        let bound = |resource: Resource| Some(Filter::below(counter(resource), limits.bound(resource)?));
        let filters = Resource::ALL.into_iter().filter_map(bound).collect();
        let one_more = Update::default().increment(CONVERSATIONS, 1);
        let claimed = self.0.update(&self.id(period), filters, one_more).await?;
        Ok(claimed.map(|stored| stored.value))
    }

    /// Give a claimed conversation back.
    pub async fn release_conversation(&self, period: Period) -> Result<(), StoreError> {
        let one_less = Update::default().increment(CONVERSATIONS, -1);
        self.0.update(&self.id(period), Vec::new(), one_less).await.map(drop)
    }

    /// Bring over what `counted` entries of the ledger add up to, unless newer sums are there. The period has begun.
    pub async fn bring_over(&self, period: Period, sums: &Used, counted: i64) -> Result<(), StoreError> {
        let id = self.id(period);
        let update = Update::default()
            .set(CALL_MS, sums.call_ms)
            .set(TOKENS, sums.tokens)
            .set(CHARACTERS, sums.characters)
            .set(MONEY, sums.money)
            .set(COUNTED, counted);
        self.0.update(&id, vec![Filter::below(COUNTED, counted.saturating_add(1))], update).await?;
        // Each claim comes before its entry, so there are more entries than claims only for calls that none was made for: of
        // a time without a plan, or whose config was never stored.
        let lift = Update::default().set(CONVERSATIONS, sums.conversations);
        self.0.update(&id, vec![Filter::below(CONVERSATIONS, sums.conversations)], lift).await.map(drop)
    }

    /// Note until when all entries are in the sums of their days.
    pub async fn note_added_up(&self, period: Period, until: Stamp) -> Result<(), StoreError> {
        let update = Update::default().set(ADDED_UP, until);
        self.0.update(&self.id(period), Vec::new(), update).await.map(drop)
    }

    /// Note what was told.
    pub async fn note_told(&self, period: Period, told: &Told) -> Result<(), StoreError> {
        let update = Update::default().set(TOLD, told);
        self.0.update(&self.id(period), Vec::new(), update).await.map(drop)
    }
}
