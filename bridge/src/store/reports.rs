//! Reports of a day: the sums as they were when the day was over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Text};
use super::stamp::Stamp;
use crate::analytics::sums::Sums;
use crate::field;

const BY_DAY: &str = "by_day";

const DAY: Field<Text> = field!(Report => day: Text);

pub static REPORTS: Collection = Collection {
    name: "reports",
    indexes: &[Index::ordered(BY_DAY, &[TENANT.place(), DAY.place()])],
    fields: &[],
    steps: &[],
};

/// A day of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub tenant_id: TenantId,
    /// `2026-11-20`, in its time zone.
    pub day: String,
    pub time_zone: String,
    pub made_at: Stamp,
    pub total: Sums,
    pub bots: BTreeMap<String, Sums>,
    /// By service and vendor: `stt/deepgram`.
    pub vendors: BTreeMap<String, Sums>,
}

impl OfTenant for Report {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The reports of one tenant.
pub struct Reports(Scoped<Report>);

impl Reports {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &REPORTS), tenant))
    }

    fn id(&self, day: &str) -> String {
        format!("{}/{day}", self.0.tenant)
    }

    pub async fn get_report(&self, day: &str) -> Result<Stored<Report>, StoreError> {
        self.0.get(&self.id(day)).await
    }

    /// Keep a report, unless there is one of that day: it says what was known then.
    pub async fn keep(&self, report: &Report) -> Result<(), StoreError> {
        match self.0.insert(&self.id(&report.day), report).await {
            Err(StoreError::Duplicate) => Ok(()),
            done => done,
        }
    }

    /// The latest days first.
    pub async fn list_reports(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Report>, StoreError> {
        self.0.list(self.0.query(BY_DAY).order(Order::Descending).limit(limit).after(after)).await
    }
}
