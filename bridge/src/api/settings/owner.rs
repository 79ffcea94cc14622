//! Whose settings a request means.

use serde::Deserialize;
use utoipa::IntoParams;
use vox_shared::ids::TenantId;

use crate::store::settings::Owner;

/// Which document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnerQuery {
    /// `tenant` (the default) or `deployment`.
    #[param(value_type = Option<String>)]
    of: Option<Which>,
}

/// One of the two.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    Tenant,
    Deployment,
}

impl OwnerQuery {
    /// For a person of this tenant.
    pub fn owner(&self, tenant: &TenantId) -> Owner {
        match self.of {
            None | Some(Which::Tenant) => Owner::Tenant(tenant.clone()),
            Some(Which::Deployment) => Owner::Deployment,
        }
    }
}
