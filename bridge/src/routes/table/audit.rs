//! The audit log.

use actix_web::http::Method;

use crate::api::audit;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use audit::{list, verify, view};
    let read = Access::with::<may::ReadAudit>();
    vec![
        row(
            (Method::GET, "/api/v1/audit"),
            read,
            list::list,
            Doc::new("audit", "List audit entries")
                .query::<list::ListQuery>()
                .answers::<view::EntryPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/audit/verify"),
            read,
            verify::verify,
            Doc::new("audit", "Verify the chain of audit entries")
                .query::<verify::VerifyQuery>()
                .answers::<verify::Verified>("200", "Whether it is as it was written, and where it is not"),
        ),
    ]
}
