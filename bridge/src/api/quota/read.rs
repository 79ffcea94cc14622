//! `GET /v1/admin/tenants/{tenant}/quota/{resource}`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadQuota;
use crate::auth::role::Role;
use crate::billing::budget::OverBudget;
use crate::billing::gate::{Gate, Remaining, Spent};
use crate::billing::limits::Resource;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult, SpentPart};

/// Which tenant's, and of what.
#[derive(Debug, Deserialize)]
pub struct QuotaPath {
    tenant: TenantId,
    resource: String,
}

/// How much is left in the present period.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotaView {
    pub tenant: String,
    pub resource: Resource,
    /// The month, `2026-11`.
    pub period: String,
    pub used: i64,
    /// Null: not limited.
    pub limit: Option<i64>,
    /// 0 for a suspended tenant; null: not limited.
    pub remaining: Option<i64>,
    /// RFC 3339, UTC.
    pub resets_at: String,
}

/// What is left of the own tenant's quota, for a super admin of any tenant's.
#[instrument(name = "quota.read", skip_all)]
pub async fn read(
    who: Allowed<ReadQuota>,
    path: InPath<QuotaPath>,
    gate: Data<Gate>,
) -> ApiResult<Json<QuotaView>> {
    let QuotaPath { tenant, resource } = path.0;
    if tenant != *who.tenant() && who.user().role < Role::SuperAdmin {
        return Err(ApiError::not_found("tenant"));
    }
    let resource = Resource::find(&resource).ok_or_else(|| ApiError::not_found("resource"))?;
    let Remaining { resource, period, used, limit, left } = gate.quota_remaining(&tenant, resource).await?;
    let (tenant, resets_at) = (tenant.to_string(), period.ends().to_string());
    let period = period.to_string();
    Ok(Json(QuotaView { tenant, resource, period, used, limit, remaining: left, resets_at }))
}

impl From<OverBudget> for ApiError {
    fn from(over: OverBudget) -> Self {
        let detail = over.to_string();
        let resource = if over.is_bot { "bot_budget" } else { "tenant_budget" };
        let (used, limit, resets_at) = (over.committed, over.limit, over.resets_at.to_string());
        Self::spent("budget_exceeded", detail, SpentPart { resource, used, limit, resets_at })
    }
}

impl From<Spent> for ApiError {
    fn from(spent: Spent) -> Self {
        let detail = spent.to_string();
        let Spent { resource, used, limit, resets_at } = spent;
        let (resource, resets_at) = (resource.as_str(), resets_at.to_string());
        Self::spent("quota_exceeded", detail, SpentPart { resource, used, limit, resets_at })
    }
}
