//! What each tenant used of each day, as the ledger adds up to, in all and by bot and vendor: so that a month is the sum of its days.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::TenantId;

use super::documents::{Documents, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Integer, Json, Text, Update, holds};
use super::ledger::{Amounts, Days};
use crate::field;

const BY_DAY: &str = "by_day";

const DAY: Field<Text> = field!(UsageDay => day: Text);
const COUNTED: Field<Integer> = field!(UsageDay => counted: Integer);
const AMOUNTS: Field<Json> = field!(UsageDay => amounts: Json);
const PARTS: Field<Json> = field!(UsageDay => parts: Json);

/// Most bots, and most vendors, of a day that are told apart here: with more of them the ledger is asked for that day.
pub const MAX_PARTS: usize = 500;

pub static USAGE_DAYS: Collection = Collection {
    name: "usage_days",
    indexes: &[Index::ordered(BY_DAY, &[TENANT.place(), DAY.place()])],
    fields: &[COUNTED.place(), AMOUNTS.place(), PARTS.place()],
    steps: &[],
};

/// One tenant's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageDay {
    pub tenant_id: TenantId,
    /// `2026-11-20`, UTC.
    pub day: String,
    /// How many entries of the ledger it is the sum of; it only grows.
    pub counted: i64,
    pub amounts: Amounts,
    /// Absent from before there were parts, where there are too many, and where a bridge of an earlier version added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

/// A day by bot and by vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Of how many entries they are; those of another number are of another moment than the day's own sums.
    pub counted: i64,
    pub bots: BTreeMap<String, Amounts>,
    /// Under an empty name what no vendor did.
    pub vendors: BTreeMap<String, Amounts>,
}

holds! { Json: Parts => |parts| serde_json::to_value(parts).unwrap_or(Value::Null); }

impl UsageDay {
    /// Those of the same entries as its sums.
    pub fn parts(&self) -> Option<&Parts> {
        self.parts.as_ref().filter(|parts| parts.counted == self.counted)
    }
}

impl OfTenant for UsageDay {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The days of one tenant.
pub struct UsageDays(Scoped<UsageDay>);

impl UsageDays {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &USAGE_DAYS), tenant))
    }

    /// Keep a day's sums, unless newer ones are there.
    pub async fn keep(&self, day: UsageDay) -> Result<(), StoreError> {
        let id = format!("{}/{}", self.0.tenant, day.day);
        match self.0.insert(&id, &day).await {
            Err(StoreError::Duplicate) => {}
            other => return other,
        }
        let not_newer = Filter::below(COUNTED, day.counted.saturating_add(1));
        let update = Update::default().set(COUNTED, day.counted).set(AMOUNTS, day.amounts);
        let update = match &day.parts {
            Some(parts) => update.set(PARTS, parts),
            // Those that are there are of another number of entries, or of these.
            None => update,
        };
        self.0.update(&id, vec![not_newer], update).await.map(drop)
    }

    /// The days that are known, at most a month's, without their parts.
    pub async fn list_days(&self, (from, below): Days<'_>) -> Result<Vec<UsageDay>, StoreError> {
        let query = self.0.query(BY_DAY).from(DAY, from).below(DAY, below).omit(&[PARTS]);
        Ok(self.0.list(query).await?.items.into_iter().map(|day| day.value).collect())
    }

    /// The same with them.
    pub async fn list_whole_days(&self, (from, below): Days<'_>) -> Result<Vec<UsageDay>, StoreError> {
        let query = self.0.query(BY_DAY).from(DAY, from).below(DAY, below);
        Ok(self.0.list(query).await?.items.into_iter().map(|day| day.value).collect())
    }
}
