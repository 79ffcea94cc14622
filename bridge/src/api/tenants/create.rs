//! `POST /api/v1/tenants`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use super::view::TenantView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageTenants;
use crate::auth::tenants::{TenantDesk, check};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::Stamp;
use crate::store::tenants::{Tenant, TenantStatus};

/// A tenant to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// 2 to 40 characters of a-z, 0-9 and '-'; unique in the deployment.
    slug: String,
    /// 1 to 120 characters.
    name: String,
    /// `active` (by default) or `suspended`.
    status: Option<TenantStatus>,
}

/// Make a tenant. It has nobody yet: invite its first administrator with its id in `X-Tenant`.
#[instrument(name = "tenants.create", skip_all)]
pub async fn create(
    _: Allowed<ManageTenants>,
    trail: Trail,
    desk: Data<TenantDesk>,
    body: Checked<NewTenant>,
) -> ApiResult<(Json<TenantView>, StatusCode)> {
    let NewTenant { slug, name, status } = body.0;
    let mut tenant = Tenant::new(trimmed(&name), Stamp(desk.clock.now()));
    tenant.slug = Some(trimmed(&slug).to_owned());
    tenant.status = status.unwrap_or(TenantStatus::Active);
    let mut faults = check(&tenant).err().unwrap_or_default();
    if tenant.status == TenantStatus::Deleted {
        faults.push(FieldError::new("status", "must be active or suspended"));
    }
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let made = desk.create(tenant).await?;
    trail.concerns(&made.id);
    Ok((Json(made.into()), StatusCode::CREATED))
}
