//! Plans and quotas.

use actix_web::http::Method;

use crate::api::{plans, quota};
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use plans::view::{PlanPage, PlanView};
    let (read, edit) = (Access::with::<may::ReadPlans>(), Access::with::<may::EditPlans>());
    const LIST: &str = "/api/v1/plans";
    const ONE: &str = "/api/v1/plans/{plan_id}";
    const VERSION: &str = "The version that the change expects; without one the last write wins";
    vec![
        row(
            (Method::GET, LIST),
            read,
            plans::list::list,
            Doc::new("plans", "List plans")
                .query::<plans::list::ListQuery>()
                .answers::<PlanPage>("200", "Oldest first"),
        ),
        row(
            (Method::GET, ONE),
            read,
            plans::read::read,
            Doc::new("plans", "Read a plan").answers::<PlanView>("200", "The plan"),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            plans::put::put,
            Doc::new("plans", "Make or replace a plan")
                .header("If-Match", VERSION)
                .body::<plans::put::PlanRequest>()
                .answers::<PlanView>("200", "The plan; its tenants have the new limits")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            plans::delete::delete,
            Doc::new("plans", "Delete a plan")
                .header("If-Match", VERSION)
                .answers_empty("204", "It is gone")
                .refuses("409", "`plan_in_use`: tenants have it"),
        ),
        row(
            (Method::PUT, "/api/v1/admin/tenants/{tenant}/plan"),
            edit,
            quota::assign::assign,
            Doc::new("plans", "Give a tenant a plan")
                .body::<quota::assign::PlanChoice>()
                .answers_empty("204", "It counts for the next call"),
        ),
        row(
            (Method::GET, "/v1/admin/tenants/{tenant}/quota/{resource}"),
            Access::with::<may::ReadQuota>(),
            quota::read::read,
            Doc::new("plans", "What is left of a tenant's quota")
                .answers::<quota::read::QuotaView>("200", "Used, limit and what remains in this month"),
        ),
    ]
}
