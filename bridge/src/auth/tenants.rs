//! What super_admins do with tenants: make, change, suspend, delete and restore them.

use jiff::SignedDuration;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::TenantId;

use super::rules::Checks;
use crate::fields::FieldError;
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// How long a deleted tenant can be restored.
pub const RESTORABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Why a tenant is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    #[error("another tenant has this slug, perhaps a deleted one; choose another")]
    SlugTaken,
    /// Or nobody was left who could take it back.
    #[error("this is your own tenant, with the people who run the deployment; it stays active")]
    OwnTenant,
    #[error("the tenant is {}", .0.as_str())]
    WrongStatus(TenantStatus),
    #[error("the tenant was deleted too long ago to be restored")]
    TooLate,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The desk where tenants are made and moved. Cheap to clone.
#[derive(Clone)]
pub struct TenantDesk {
    pub stores: Stores,
    pub clock: Clock,
}

impl TenantDesk {
    /// Make a tenant.
    pub async fn create(&self, tenant: Tenant) -> Result<Stored<Tenant>, TenantError> {
        let id = TenantId::generate();
        self.stores.tenants().insert(&id, &tenant).await.map_err(or_slug_taken)?;
        Ok(Stored { id: id.to_string(), version: 1, value: tenant })
    }

    /// Write back a changed tenant.
    pub async fn change(&self, tenant: Stored<Tenant>) -> Result<Stored<Tenant>, TenantError> {
        self.stores.tenants().replace_tenant(tenant).await.map_err(or_slug_taken)
    }

    /// Let a tenant begin nothing new. One that is suspended already stays so.
    pub async fn suspend(&self, home: &TenantId, id: &TenantId) -> Result<Stored<Tenant>, TenantError> {
        if home == id {
            return Err(TenantError::OwnTenant);
        }
        self.move_status(id, TenantStatus::Active, TenantStatus::Suspended).await
    }

    /// Let a suspended tenant work again.
    pub async fn activate(&self, id: &TenantId) -> Result<Stored<Tenant>, TenantError> {
        self.move_status(id, TenantStatus::Suspended, TenantStatus::Active).await
    }

    async fn move_status(
        &self,
        id: &TenantId,
        from: TenantStatus,
        to: TenantStatus,
    ) -> Result<Stored<Tenant>, TenantError> {
        if let Some(moved) = self.stores.tenants().move_status(id, from, to).await? {
            return Ok(moved);
        }
        let found = self.stores.tenants().get_tenant(id).await?;
        if found.value.status == to { Ok(found) } else { Err(TenantError::WrongStatus(found.value.status)) }
    }

    /// Delete a tenant, for the time being.
    pub async fn delete(&self, home: &TenantId, mut found: Stored<Tenant>) -> Result<(), TenantError> {
        if home.as_str() == found.id {
            return Err(TenantError::OwnTenant);
        }
        if found.value.status != TenantStatus::Deleted {
            found.value.status = TenantStatus::Deleted;
            found.value.deleted_at = Some(Stamp(self.clock.now()));
            found.value.deleted_by = Some(home.clone());
            self.change(found).await?;
        }
        Ok(())
    }

    /// Bring a deleted tenant back, suspended: whoever restores it looks first, and then activates it.
    pub async fn restore(&self, mut found: Stored<Tenant>) -> Result<Stored<Tenant>, TenantError> {
        let Some(at) = found.value.deleted_at else {
            return Err(TenantError::WrongStatus(found.value.status));
        };
        let is_over = self.clock.now().duration_since(at.0) >= RESTORABLE_FOR;
        // One that a legal hold keeps is whole, and somebody must be able to lift the hold.
        if found.value.is_going || (is_over && found.value.held_by.is_none()) {
            return Err(TenantError::TooLate);
        }
        found.value.status = TenantStatus::Suspended;
        (found.value.deleted_at, found.value.deleted_by, found.value.held_by) = (None, None, None);
        self.change(found).await
    }
}

/// All that is wrong with a tenant's fields.
pub fn check(tenant: &Tenant) -> Result<(), Vec<FieldError>> {
    let mut faults =
        Checks::default().name(&tenant.name).slug(tenant.slug.as_deref()).finish().err().unwrap_or_default();
    faults.extend(tenant.budget.faults());
    let hosts = tenant.egress.faults().into_iter();
    faults.extend(hosts.map(|(path, bad)| FieldError::new(format!("egress.{path}"), bad.to_string())));
    let answered_for = HostRules { allow: tenant.data_residency_hosts.clone(), deny: Vec::new() };
    let hosts = answered_for
        .faults()
        .into_iter()
        .map(|(path, bad)| (path.replacen("allow", "data_residency_hosts", 1), bad));
    faults.extend(hosts.map(|(path, bad)| FieldError::new(path, bad.to_string())));
    if tenant.data_residency.is_none() && !tenant.data_residency_hosts.is_empty() {
        let message = "goes with data_residency: say in which region these hosts are";
        faults.push(FieldError::new("data_residency_hosts", message));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn or_slug_taken(error: StoreError) -> TenantError {
    match error {
        StoreError::Duplicate => TenantError::SlugTaken,
        other => other.into(),
    }
}
