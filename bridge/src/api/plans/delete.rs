//! `DELETE /api/v1/plans/{plan_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::PlanId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::EditPlans;
use crate::billing::plans::PlanBook;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// Delete a plan that no tenant has.
#[instrument(name = "plans.delete", skip_all)]
pub async fn delete(
    _: Allowed<EditPlans>,
    plan: InPath<PlanId>,
    plans: Data<PlanBook>,
    expected: IfMatch,
) -> ApiResult<HttpResponse> {
    plans.delete(&plan.0, expected.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
