//! Numbers that a tenant does not call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;
use vox_shared::phone::Number;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, MAX_BATCH, Order, Text};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";

const ADDED_AT: Field<Text> = field!(Entry => added_at: Text);

pub static DO_NOT_CALL: Collection = Collection {
    name: "do_not_call",
    indexes: &[Index::ordered(BY_TIME, &[TENANT.place(), ADDED_AT.place()])],
    fields: &[],
    steps: &[],
};

/// A number that is not called; the id is the tenant's with the number's comparable form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub tenant_id: TenantId,
    pub number: Number,
    pub added_at: Stamp,
    /// The user or the key that added it.
    pub added_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl OfTenant for Entry {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The list of one tenant.
pub struct DoNotCall(Scoped<Entry>);

impl DoNotCall {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &DO_NOT_CALL), tenant))
    }

    pub async fn find_number(&self, number: &Number) -> Result<Option<Stored<Entry>>, StoreError> {
        self.0.find(&self.id(number)).await
    }

    /// Add numbers; answers how many were not on the list yet. The numbers are comparable ones.
    pub async fn add(&self, entries: Vec<Entry>) -> Result<usize, StoreError> {
        let mut added = 0;
        for batch in entries.chunks(MAX_BATCH) {
            let new: Vec<_> = batch.iter().map(|entry| (self.id(&entry.number), entry.clone())).collect();
            added += batch.len() - self.0.insert_many(new).await?.len();
        }
        Ok(added)
    }

    /// Take a number off; [`StoreError::NotFound`] when it is not on the list.
    pub async fn remove(&self, number: &Number) -> Result<(), StoreError> {
        let entry = self.0.get(&self.id(number)).await?;
        self.0.delete(&entry.id, entry.version).await
    }

    /// Newest first.
    pub async fn list(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Entry>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(Order::Descending).limit(limit).after(after)).await
    }

    fn id(&self, number: &Number) -> String {
        format!("{}:{}", self.0.tenant, number.comparable())
    }
}
