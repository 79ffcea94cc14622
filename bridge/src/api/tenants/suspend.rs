//! `POST /api/v1/tenants/{tenant_id}/suspend|activate`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::TenantId;

use super::view::TenantView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageTenants;
use crate::auth::tenants::TenantDesk;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Let a tenant begin nothing new, from now on. Its running calls end normally.
#[instrument(name = "tenants.suspend", skip_all)]
pub async fn suspend(
    who: Allowed<ManageTenants>,
    trail: Trail,
    tenant: InPath<TenantId>,
    desk: Data<TenantDesk>,
) -> ApiResult<Json<TenantView>> {
    desk.stores.tenants().get_tenant(&tenant.0).await?;
    trail.reaches(&tenant.0).await?;
    Ok(Json(desk.suspend(&who.user().tenant_id, &tenant.0).await?.into()))
}

/// Let a suspended tenant work again.
#[instrument(name = "tenants.activate", skip_all)]
pub async fn activate(
    _: Allowed<ManageTenants>,
    trail: Trail,
    tenant: InPath<TenantId>,
    desk: Data<TenantDesk>,
) -> ApiResult<Json<TenantView>> {
    desk.stores.tenants().get_tenant(&tenant.0).await?;
    trail.reaches(&tenant.0).await?;
    Ok(Json(desk.activate(&tenant.0).await?.into()))
}
