//! `GET|PATCH /api/v1/tenant`: the tenant that one acts in.

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use super::view::TenantView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditOwnTenant;
use crate::auth::tenants::{TenantDesk, check};
use crate::billing::spending::TenantBudget;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

/// What administrators may change of their tenant; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnTenantChange {
    name: Option<String>,
    /// Whether people must have a second factor.
    require_second_factor: Option<bool>,
    /// What it may spend, as a whole; `{}` for no limit.
    budget: Option<TenantBudget>,
}

/// The own tenant.
#[instrument(name = "tenant.read", skip_all)]
pub async fn read(who: Allowed<EditOwnTenant>, desk: Data<TenantDesk>) -> ApiResult<Json<TenantView>> {
    Ok(Json(desk.stores.tenants().get_tenant(who.tenant()).await?.into()))
}

/// Change the own tenant.
#[instrument(name = "tenant.change", skip_all)]
pub async fn change(
    who: Allowed<EditOwnTenant>,
    desk: Data<TenantDesk>,
    body: Checked<OwnTenantChange>,
) -> ApiResult<Json<TenantView>> {
    let OwnTenantChange { name, require_second_factor, budget } = body.0;
    let mut found = desk.stores.tenants().get_tenant(who.tenant()).await?;
    if let Some(name) = name {
        found.value.name = trimmed(&name).to_owned();
    }
    found.value.require_second_factor = require_second_factor.unwrap_or(found.value.require_second_factor);
    found.value.budget = budget.unwrap_or(found.value.budget);
    check(&found.value).map_err(ApiError::invalid)?;
    Ok(Json(desk.change(found).await?.into()))
}
