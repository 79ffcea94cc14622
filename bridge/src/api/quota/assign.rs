//! `PUT /api/v1/admin/tenants/{tenant}/plan`

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::{PlanId, TenantId};

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditPlans;
use crate::billing::plans::{PlanBook, PlanError};
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// The plan that a tenant is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanChoice {
    /// Null for none: no limits.
    #[serde(deserialize_with = "Option::deserialize")]
    plan: Option<String>,
}

/// Give a tenant a plan, or none. It counts for the next call; running ones end normally.
#[instrument(name = "quota.assign", skip_all)]
pub async fn assign(
    _: Allowed<EditPlans>,
    trail: Trail,
    tenant: InPath<TenantId>,
    plans: Data<PlanBook>,
    body: Checked<PlanChoice>,
) -> ApiResult<HttpResponse> {
    let none = || ApiError::invalid(vec![FieldError::new("plan", "there is no such plan")]);
    let plan: Option<PlanId> = body.0.plan.map(|id| id.parse()).transpose().map_err(|_| none())?;
    plans.stores.tenants().get_tenant(&tenant.0).await?;
    trail.reaches(&tenant.0).await?;
    match plans.assign(&tenant.0, plan.as_ref()).await {
        Err(PlanError::NoPlan) => Err(none()),
        assigned => {
            assigned?;
            Ok(HttpResponse::NoContent().finish())
        }
    }
}
