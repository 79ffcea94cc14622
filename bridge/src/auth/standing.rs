//! Whether the people and the keys of a tenant get in.

use actix_web::http::StatusCode;
use vox_shared::ids::TenantId;

use crate::error::ApiError;
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{StoreError, Stored, Stores};

/// Why nobody of a tenant gets in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the tenant is suspended; whoever runs the deployment can activate it")]
    Suspended,
    #[error("the tenant is deleted; whoever runs the deployment can restore it for a while")]
    Deleted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tenant, if its people and keys get in. Read from the store each time, so that a suspension works at once on every bridge.
pub async fn standing(stores: &Stores, tenant: &TenantId) -> Result<Stored<Tenant>, Refused> {
    let found = stores.tenants().find(tenant).await?.ok_or(Refused::Deleted)?;
    match found.value.status {
        TenantStatus::Active => Ok(found),
        TenantStatus::Suspended => Err(Refused::Suspended),
        TenantStatus::Deleted => Err(Refused::Deleted),
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (status, code) = match refused {
            Refused::Suspended => (StatusCode::PAYMENT_REQUIRED, "tenant_suspended"),
            Refused::Deleted => (StatusCode::FORBIDDEN, "tenant_deleted"),
            Refused::Store(error) => return error.into(),
        };
        Self::new(status, code, refused.to_string())
    }
}
