//! `GET /api/v1/jobs/{job_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::JobId;

use super::view::JobView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageJobs;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One of the tenant's jobs.
#[instrument(name = "jobs.read", skip_all)]
pub async fn read(
    who: Allowed<ManageJobs>,
    job: InPath<JobId>,
    stores: Data<Stores>,
) -> ApiResult<Json<JobView>> {
    Ok(Json(stores.jobs(who.tenant()).get_job(&job.0).await?.into()))
}
