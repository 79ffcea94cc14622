//! `PUT /api/v1/plans/{plan_id}`

use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::PlanId;

use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditPlans;
use crate::auth::rules::Checks;
use crate::billing::limits::Limits;
use crate::billing::plans::{NewPlan, PlanBook};
use crate::billing::requests::Requests;
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// A plan to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// 1 to 120 characters, for people.
    name: String,
    /// What is left out is not limited.
    #[serde(default)]
    limits: Limits,
    /// What is left out is as the bridge is set.
    #[serde(default)]
    requests: Requests,
}

/// Make the plan, or replace it; its tenants have the new limits when the answer is there.
#[instrument(name = "plans.put", skip_all)]
pub async fn put(
    _: Allowed<EditPlans>,
    plan: InPath<PlanId>,
    plans: Data<PlanBook>,
    expected: IfMatch,
    body: Checked<PlanRequest>,
) -> ApiResult<WithTag> {
    let new = checked(body.0).map_err(ApiError::invalid)?;
    Ok(tagged(plans.put(&plan.0, expected.0, new).await?))
}

fn checked(body: PlanRequest) -> Result<NewPlan, Vec<FieldError>> {
    let mut faults = Checks::default().name(&body.name).finish().err().unwrap_or_default();
    faults.extend(body.limits.faults());
    faults.extend(body.requests.faults());
    let PlanRequest { name, limits, requests } = body;
    if faults.is_empty() { Ok(NewPlan { name, limits, requests }) } else { Err(faults) }
}
