//! `GET /api/v1/plans/{plan_id}`

use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::PlanId;

use super::view::{WithTag, tagged};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadPlans;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One plan.
#[instrument(name = "plans.read", skip_all)]
pub async fn read(_: Allowed<ReadPlans>, plan: InPath<PlanId>, stores: Data<Stores>) -> ApiResult<WithTag> {
    Ok(tagged(stores.plans().get_plan(&plan.0).await?))
}
