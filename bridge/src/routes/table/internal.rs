//! Tools that see every tenant.

use actix_web::http::Method;

use crate::api::{calls, internal};
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use calls::view::{CallDetail, CallPage};
    vec![
        row(
            (Method::GET, "/api/v1/internal/calls"),
            Access::Tools,
            internal::calls::calls,
            Doc::new("internal", "Calls of all tenants")
                .query::<internal::calls::CallsQuery>()
                .answers::<CallPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/internal/calls/{session_id}"),
            Access::Tools,
            internal::call::call,
            Doc::new("internal", "A call of any tenant")
                .answers::<CallDetail>("200", "All that is known of it"),
        ),
        row(
            (Method::GET, "/api/v1/internal/bots"),
            Access::Tools,
            internal::bots::bots,
            Doc::new("internal", "Bots of all tenants")
                .answers::<internal::bots::BotNames>("200", "Oldest first"),
        ),
    ]
}
