//! Sums over a tenant's calls by hours, days and months, and the batch that is being added to them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Text, holds};
use crate::analytics::fact::Fact;
use crate::field;

const BY_START: &str = "by_start";
/// More batches in a row change no sum at no time.
const WITHOUT_CHANGES: i64 = 1_000_000;

const GRAIN: Field<Text> = field!(Rollup => grain: Text);
const START: Field<Text> = field!(Rollup => start: Text);

pub static ROLLUPS: Collection = Collection {
    name: "rollups",
    indexes: &[Index::ordered(BY_START, &[TENANT.place(), GRAIN.place(), START.place()])],
    fields: &[],
    steps: &[],
};

pub static ROLLUP_BATCHES: Collection =
    Collection { name: "rollup_batches", indexes: &[], fields: &[], steps: &[] };

/// How long a time is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    Hour,
    Day,
    Month,
}

impl Grain {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the hour, day or month of a fact begins, as it is stored: `2026-11-20T10:00:00.000000Z`, `2026-11-20`, `2026-11`.
    pub fn start_of(self, fact: &Fact) -> String {
        match self {
            Self::Hour => fact.hour.to_string(),
            Self::Day => fact.day.clone(),
            Self::Month => fact.day.rsplit_once('-').map_or_else(String::new, |(month, _)| month.to_owned()),
        }
    }
}

holds! { Text: Grain => |grain| grain.as_str().into(); }

/// The sums of one hour, day or month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollup {
    pub tenant_id: TenantId,
    pub grain: Grain,
    pub start: String,
    /// The last batch that was added to it.
    pub batch: i64,
    /// Keys with their cells; see `analytics/cell.rs`.
    pub cells: Vec<String>,
    /// What its newer cells do not tell apart any more; see `analytics/crowd.rs`.
    #[serde(default)]
    pub coarseness: u8,
}

impl OfTenant for Rollup {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// What is being added to the sums: written down before the first of them is touched, and emptied after the last one, so that
/// whoever finds it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub tenant_id: TenantId,
    /// One more with each batch.
    pub number: i64,
    /// Empty between two batches.
    pub items: Vec<Item>,
}

impl OfTenant for Batch {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// A call's part in a batch: what was counted of it is taken away, and what is to be counted is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub call: String,
    /// The version of the call that the new fact is of.
    pub call_version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Fact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Fact>,
}

/// The sums of one tenant.
pub struct Rollups {
    sums: Scoped<Rollup>,
    batches: Scoped<Batch>,
}

impl Rollups {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self {
            sums: Scoped::new(Documents::new(engine.clone(), &ROLLUPS), tenant.clone()),
            batches: Scoped::new(Documents::new(engine, &ROLLUP_BATCHES), tenant),
        }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.sums.tenant
    }

    fn id(&self, grain: Grain, start: &str) -> String {
        format!("{}/{}/{start}", self.sums.tenant, grain.as_str())
    }

    /// A page of those from one start to another, in their order: as many as are no more than some megabytes together.
    pub async fn list(
        &self,
        grain: Grain,
        (from, below): (&str, &str),
        after: Option<Cursor>,
    ) -> Result<Listed<Rollup>, StoreError> {
        let query = self.sums.query(BY_START).equals(GRAIN, grain).from(START, from).below(START, below);
        self.sums.list(query.after(after).weighed()).await
    }

    pub async fn find(&self, grain: Grain, start: &str) -> Result<Option<Stored<Rollup>>, StoreError> {
        self.sums.find(&self.id(grain, start)).await
    }

    /// [`StoreError::Duplicate`] when it is there.
    pub async fn insert(&self, rollup: &Rollup) -> Result<(), StoreError> {
        self.sums.insert(&self.id(rollup.grain, &rollup.start), rollup).await
    }

    pub async fn replace(&self, rollup: Stored<Rollup>) -> Result<(), StoreError> {
        self.sums.replace(rollup).await.map(drop)
    }

    /// The tenant's batch, which is empty when there was none yet.
    pub async fn batch(&self) -> Result<Stored<Batch>, StoreError> {
        let id = self.batches.tenant.to_string();
        if let Some(batch) = self.batches.find(&id).await? {
            return Ok(batch);
        }
        let first = Batch {
            tenant_id: self.batches.tenant.clone(),
            number: self.last_batch().await?,
            items: Vec::new(),
        };
        match self.batches.insert(&id, &first).await {
            Ok(()) | Err(StoreError::Duplicate) => self.batches.get(&id).await,
            Err(error) => Err(error),
        }
    }

    /// A number that no batch before had: 0, unless somebody removed the document, damaged as it was. Sums and digests know theirs, and
    /// would take nothing from an earlier one. Each batch that changes a sum changes that of a month.
    async fn last_batch(&self) -> Result<i64, StoreError> {
        let (mut last, mut after) = (None, None);
        loop {
            let page = self.list(Grain::Month, ("", "~"), after).await?;
            last = page.items.iter().map(|month| month.value.batch).max().max(last);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(last.map_or(0, |last| last.saturating_add(WITHOUT_CHANGES)));
            }
        }
    }

    /// [`StoreError::Conflict`] when another bridge was faster.
    pub async fn replace_batch(&self, batch: Stored<Batch>) -> Result<Stored<Batch>, StoreError> {
        self.batches.replace(batch).await
    }
}
