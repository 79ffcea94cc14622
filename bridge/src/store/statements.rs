//! Statements of a month: what the ledger added up to when it was closed. One that is made again is another revision; none changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Integer, Order, Text};
use super::ledger::Amounts;
use super::stamp::Stamp;
use crate::field;

const BY_PERIOD: &str = "by_period";

const PERIOD: Field<Text> = field!(Statement => period: Text);
const REVISION: Field<Integer> = field!(Statement => revision: Integer);

pub static STATEMENTS: Collection = Collection {
    name: "statements",
    indexes: &[Index::ordered(BY_PERIOD, &[TENANT.place(), PERIOD.place(), REVISION.place()])],
    fields: &[],
    steps: &[],
};

/// A month of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub tenant_id: TenantId,
    /// `2026-11`, UTC.
    pub period: String,
    /// 1 is the one that closed the month.
    pub revision: i64,
    pub made_at: Stamp,
    /// Entries of the ledger that it is the sum of.
    pub entries: i64,
    pub total: Amounts,
    pub days: BTreeMap<String, Amounts>,
    pub bots: BTreeMap<String, Amounts>,
    /// Under an empty name what no vendor did.
    pub vendors: BTreeMap<String, Amounts>,
}

impl OfTenant for Statement {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The statements of one tenant.
pub struct Statements(Scoped<Statement>);

impl Statements {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &STATEMENTS), tenant))
    }

    /// The last revision of a month.
    pub async fn find_last(&self, period: &str) -> Result<Option<Stored<Statement>>, StoreError> {
        let of_month = self.0.query(BY_PERIOD).equals(PERIOD, period);
        self.0.first(of_month.order(Order::Descending)).await
    }

    pub async fn get_revision(&self, period: &str, revision: i64) -> Result<Stored<Statement>, StoreError> {
        self.0.get(&self.id(period, revision)).await
    }

    /// [`StoreError::Duplicate`] when there is one of that revision.
    pub async fn insert(&self, statement: &Statement) -> Result<(), StoreError> {
        self.0.insert(&self.id(&statement.period, statement.revision), statement).await
    }

    /// The latest months first, and of each the last revision first.
    pub async fn list_statements(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Statement>, StoreError> {
        self.0.list(self.0.query(BY_PERIOD).order(Order::Descending).limit(limit).after(after)).await
    }

    fn id(&self, period: &str, revision: i64) -> String {
        format!("{}/{period}/{revision}", self.0.tenant)
    }
}
