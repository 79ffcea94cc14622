//! How tenants are shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::tenants::{RESTORABLE_FOR, TenantError};
use crate::billing::spending::TenantBudget;
use crate::error::ApiError;
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{Stamp, StoreError, Stored};

/// Hosts: a name, all names below one (`*.example.com`), or an address; each with a port (`:8443`) or for all of them.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EgressRules {
    /// When something is named here, nothing else may be used.
    pub allow: Vec<String>,
    /// Never used, whatever is allowed.
    pub deny: Vec<String>,
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantView {
    pub id: String,
    /// Goes up with every change; send it back to make sure that nobody changed the tenant in between.
    pub version: u64,
    /// Null of a tenant from before there were slugs.
    pub slug: Option<String>,
    pub name: String,
    pub status: TenantStatus,
    /// The id of its plan; null for no limits. `PUT /api/v1/admin/tenants/{tenant}/plan` gives it one.
    pub plan: Option<String>,
    /// People without a second factor reach their own profile only, until they have one.
    pub require_second_factor: bool,
    /// What its calls may cost; empty for no limit.
    pub budget: TenantBudget,
    /// Which hosts the addresses that it sets may name; empty for all.
    pub egress: EgressRules,
    /// Where the vendors of its bots must be: `au`, `eu`, `in`, `sg` or `us`; null for anywhere.
    pub data_residency: Option<&'static str>,
    /// Hosts that the operator answers for being there.
    pub data_residency_hosts: Vec<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub deleted_at: Option<String>,
    /// Until when a deleted tenant can be restored.
    pub restorable_until: Option<String>,
    /// A call under a legal hold that keeps a deleted tenant from being removed for good.
    pub held_by: Option<String>,
}

/// One page of tenants.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantPage {
    pub items: Vec<TenantView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Tenant>> for TenantView {
    fn from(stored: Stored<Tenant>) -> Self {
        let Tenant {
            name,
            slug,
            status,
            require_second_factor,
            created_at,
            allowance,
            budget,
            egress,
            data_residency,
            data_residency_hosts,
            deleted_at,
            held_by,
            ..
        } = stored.value;
        let until = |at: Stamp| at.0.saturating_add(RESTORABLE_FOR).map(Stamp).unwrap_or(at);
        Self {
            id: stored.id,
            version: stored.version,
            slug,
            name,
            status,
            plan: allowance.map(|allowance| allowance.plan.to_string()),
            require_second_factor,
            budget,
            egress: EgressRules { allow: egress.allow, deny: egress.deny },
            data_residency: data_residency.map(|region| region.as_str()),
            data_residency_hosts,
            held_by,
            created_at: created_at.to_string(),
            deleted_at: deleted_at.map(|at| at.to_string()),
            restorable_until: deleted_at.map(|at| until(at).to_string()),
        }
    }
}

impl From<TenantError> for ApiError {
    fn from(error: TenantError) -> Self {
        const SLUG: &str = "another tenant has this slug, perhaps a deleted one; choose another";
        const OWN: &str = "this is your own tenant, with the people who run the deployment; it is neither suspended nor deleted";
        let status = |known: TenantStatus| match known {
            TenantStatus::Active => "the tenant is active; this is for another status",
            TenantStatus::Suspended => "the tenant is suspended; this is for another status",
            TenantStatus::Deleted => "the tenant is deleted; restore it first",
        };
        match error {
            TenantError::SlugTaken => Self::conflict("slug_taken", SLUG),
            TenantError::OwnTenant => Self::conflict("own_tenant", OWN),
            TenantError::WrongStatus(known) => Self::conflict("wrong_tenant_status", status(known)),
            TenantError::TooLate => {
                Self::conflict("restore_time_over", "the tenant was deleted more than 30 days ago")
            }
            TenantError::Store(StoreError::NotFound) => Self::not_found("tenant"),
            TenantError::Store(error) => error.into(),
        }
    }
}
