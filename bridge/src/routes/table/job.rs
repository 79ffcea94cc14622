//! Jobs.

use actix_web::http::Method;

use crate::api::jobs;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use jobs::view::{JobPage, JobView};
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
            (Method::POST, "/api/v1/jobs/{job_id}/retry"),
            manage,
            jobs::retry::retry,
            Doc::new("jobs", "Retry a job")
                .answers::<JobView>("202", "The job, to begin now")
                .refuses("409", "`job_not_failed`: only a job that failed can be retried"),
        ),
    ]
}
