//! Jobs.

use actix_web::http::Method;

use crate::api::jobs;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use jobs::view::{JobPage, JobView, RoundView};
    let manage = Access::with::<may::ManageJobs>();
    vec![
        row(
            (Method::GET, "/api/v1/jobs"),
            manage,
            jobs::list::list,
            Doc::new("jobs", "List jobs")
                .query::<jobs::list::ListQuery>()
                .answers::<JobPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/jobs/{job_id}"),
            manage,
            jobs::read::read,
            Doc::new("jobs", "Read a job").answers::<JobView>("200", "The job"),
        ),
        row(
            (Method::POST, "/api/v1/jobs/rounds/{work}/run"),
            Access::with::<may::RunRounds>(),
            jobs::run::run,
            Doc::new("jobs", "Do now what the bridge does by itself")
                .answers::<RoundView>("202", "A round begins, or is under way")
                .refuses("409", "`no_rounds`: the bridge that was asked does not do this work"),
        ),
        row(
            (Method::POST, "/api/v1/jobs/{job_id}/retry"),
            manage,
            jobs::retry::retry,
            Doc::new("jobs", "Retry a job")
                .answers::<JobView>("202", "The job, to begin now")
                .refuses("409", "`job_not_failed`: only a job that failed can be retried"),
        ),
    ]
}
