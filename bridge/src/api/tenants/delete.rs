//! `DELETE /api/v1/tenants/{tenant_id}` and `POST /api/v1/tenants/{tenant_id}/restore`

use actix_web::HttpResponse;
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

/// Delete a tenant, so that it can be restored for thirty days. Its running calls end normally.
#[instrument(name = "tenants.delete", skip_all)]
pub async fn delete(
    who: Allowed<ManageTenants>,
    trail: Trail,
    tenant: InPath<TenantId>,
    desk: Data<TenantDesk>,
) -> ApiResult<HttpResponse> {
    let found = desk.stores.tenants().get_tenant(&tenant.0).await?;
    trail.reaches(&tenant.0).await?;
    desk.delete(&who.user().tenant_id, found).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Bring a deleted tenant back, suspended.
#[instrument(name = "tenants.restore", skip_all)]
pub async fn restore(
    _: Allowed<ManageTenants>,
    trail: Trail,
    tenant: InPath<TenantId>,
    desk: Data<TenantDesk>,
) -> ApiResult<Json<TenantView>> {
    let found = desk.stores.tenants().get_tenant(&tenant.0).await?;
    trail.reaches(&tenant.0).await?;
    Ok(Json(desk.restore(found).await?.into()))
}
