//! `GET /api/v1/tenants/{tenant_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::TenantId;

use super::view::TenantView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageTenants;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One tenant.
#[instrument(name = "tenants.read", skip_all)]
pub async fn read(
    _: Allowed<ManageTenants>,
    tenant: InPath<TenantId>,
    stores: Data<Stores>,
) -> ApiResult<Json<TenantView>> {
    Ok(Json(stores.tenants().get_tenant(&tenant.0).await?.into()))
}
