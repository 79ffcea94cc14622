//! `PATCH /api/v1/tenants/{tenant_id}`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::Region;
use vox_shared::egress::HostRules;
use vox_shared::ids::TenantId;
use vox_shared::typed::trimmed;

use super::view::{EgressRules, TenantView};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageTenants;
use crate::auth::tenants::{TenantDesk, check};
use crate::billing::spending::TenantBudget;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::given;
use crate::store::StoreError;

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    slug: Option<String>,
    name: Option<String>,
    /// Whether people must have a second factor.
    require_second_factor: Option<bool>,
    /// What it may spend, as a whole; `{}` for no limit.
    budget: Option<TenantBudget>,
    /// Which hosts the addresses that it sets may name, as a whole; `{}` for all.
    egress: Option<EgressRules>,
    /// `au`, `eu`, `in`, `sg` or `us`: its bots' vendors must be there; null for anywhere.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    data_residency: Option<Option<Region>>,
    /// Hosts of servers of one's own that the operator answers for being there, as in `egress`, as a whole.
    data_residency_hosts: Option<Vec<String>>,
    /// The version that the change expects; without it the last write wins.
    version: Option<u64>,
}

/// Change a tenant. Its status has routes of its own.
#[instrument(name = "tenants.change", skip_all)]
pub async fn change(
    _: Allowed<ManageTenants>,
    trail: Trail,
    tenant: InPath<TenantId>,
    desk: Data<TenantDesk>,
    body: Checked<TenantChange>,
) -> ApiResult<Json<TenantView>> {
    let (region, hosts) = (body.0.data_residency, body.0.data_residency_hosts.clone());
    let TenantChange { slug, name, require_second_factor, budget, egress, version, .. } = body.0;
    let mut found = desk.stores.tenants().get_tenant(&tenant.0).await?;
    if version.is_some_and(|version| version != found.version) {
        return Err(StoreError::Conflict.into());
    }
    let tenant_now = &mut found.value;
    tenant_now.slug = slug.map(|slug| trimmed(&slug).to_owned()).or(tenant_now.slug.take());
    if let Some(name) = name {
        tenant_now.name = trimmed(&name).to_owned();
    }
    tenant_now.require_second_factor = require_second_factor.unwrap_or(tenant_now.require_second_factor);
    tenant_now.budget = budget.unwrap_or(tenant_now.budget);
    if let Some(EgressRules { allow, deny }) = egress {
        tenant_now.egress = HostRules { allow, deny };
    }
    tenant_now.data_residency = region.unwrap_or(tenant_now.data_residency);
    if let Some(hosts) = hosts {
        tenant_now.data_residency_hosts = hosts;
    }
    check(tenant_now).map_err(ApiError::invalid)?;
    trail.reaches(&tenant.0).await?;
    Ok(Json(desk.change(found).await?.into()))
}
