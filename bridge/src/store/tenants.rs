//! Tenants: the customers of the deployment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;

use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine};
use super::stamp::Stamp;

pub static TENANTS: Collection = Collection { name: "tenants", indexes: &[], fields: &[], steps: &[] };

/// One tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    pub name: String,
    pub status: TenantStatus,
    pub created_at: Stamp,
}

/// Whether a tenant may start new work. Running calls always end normally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    Active,
    Suspended,
}

/// The tenants of the deployment.
#[derive(Clone)]
pub struct Tenants(Documents<Tenant>);

impl Tenants {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &TENANTS))
    }

    pub async fn find(&self, id: &TenantId) -> Result<Option<Stored<Tenant>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn insert(&self, id: &TenantId, tenant: &Tenant) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), tenant).await
    }

    /// Suspend or reactivate.
    pub async fn set_status(&self, id: &TenantId, status: TenantStatus) -> Result<(), StoreError> {
        let mut stored = self.find(id).await?.ok_or(StoreError::NotFound)?;
        stored.value.status = status;
        self.0.replace(stored).await.map(drop)
    }
}
