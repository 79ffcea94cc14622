//! What each tenant used of each day, as the ledger adds up to: so that a month is the sum of its days.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;

use super::documents::{Documents, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Integer, Json, Text, Update};
use super::ledger::{Amounts, Days};
use crate::field;

const BY_DAY: &str = "by_day";

const DAY: Field<Text> = field!(UsageDay => day: Text);
const COUNTED: Field<Integer> = field!(UsageDay => counted: Integer);
const AMOUNTS: Field<Json> = field!(UsageDay => amounts: Json);

pub static USAGE_DAYS: Collection = Collection {
    name: "usage_days",
    indexes: &[Index::ordered(BY_DAY, &[TENANT.place(), DAY.place()])],
    fields: &[COUNTED.place(), AMOUNTS.place()],
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
        self.0.update(&id, vec![not_newer], update).await.map(drop)
    }

    /// The days that are known, at most a month's.
    pub async fn list_days(&self, (from, below): Days<'_>) -> Result<Vec<UsageDay>, StoreError> {
        let query = self.0.query(BY_DAY).from(DAY, from).below(DAY, below);
        Ok(self.0.list(query).await?.items.into_iter().map(|day| day.value).collect())
    }
}
