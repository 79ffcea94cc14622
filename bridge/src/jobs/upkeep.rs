//! What jobs that come by the calendar are done with.

use std::sync::Arc;

use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use crate::audit::log::AuditLog;
use crate::custody::Custodian;
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{StoreError, Stores};

/// Cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    pub stores: Stores,
    pub clock: Clock,
    pub custodian: Custodian,
    pub audit: Arc<AuditLog>,
    /// Calls and recordings that one job of retention looks at; [`MAX_AGED`] but in tests.
    pub most_aged: usize,
}

/// Others of its queue wait for a job: about two minutes, where each of these is to be deleted.
pub const MAX_AGED: usize = 5_000;

impl Upkeep {
    /// The tenant, unless it was removed, or is being removed: nobody would remove what is written of it now.
    pub async fn find_tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let found = self.stores.tenants().find(id).await?.map(|tenant| tenant.value);
        Ok(found.filter(|tenant| !tenant.is_going))
    }

    /// Whether there is such a tenant, and it is not deleted.
    pub async fn has_tenant(&self, id: &TenantId) -> Result<bool, StoreError> {
        Ok(self.find_tenant(id).await?.is_some_and(|tenant| tenant.status != TenantStatus::Deleted))
    }
}
