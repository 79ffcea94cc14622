//! `POST /api/v1/jobs/{job_id}/retry`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::JobId;

use super::view::JobView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageJobs;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::jobs::runner::Runner;
use crate::store::{Stamp, Stores};

/// Have a job that failed done again.
#[instrument(name = "jobs.retry", skip_all, fields(job.id = %job.0))]
pub async fn retry(
    who: Allowed<ManageJobs>,
    job: InPath<JobId>,
    stores: Data<Stores>,
    runner: Data<Runner>,
    clock: Data<Clock>,
) -> ApiResult<(Json<JobView>, StatusCode)> {
    let jobs = stores.jobs(who.tenant());
    jobs.get_job(&job.0).await?;
    let again = jobs.retry(&job.0, Stamp(clock.now())).await?;
    let again = again.ok_or_else(|| {
        ApiError::conflict("job_not_failed", "only a job that failed can be retried; see its `state`")
    })?;
    runner.ring();
    Ok((Json(again.into()), StatusCode::ACCEPTED))
}
