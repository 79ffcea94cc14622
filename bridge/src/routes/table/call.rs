//! Calls.

use actix_web::http::Method;

use crate::api::calls;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use calls::view::{CallDetail, CallPage};
    let read = Access::with::<may::ReadCalls>();
    vec![
        row(
            (Method::GET, "/api/v1/calls"),
            read,
            calls::list::list,
            Doc::new("calls", "List calls")
                .query::<calls::list::ListQuery>()
                .answers::<CallPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/calls/{session_id}"),
            read,
            calls::read::read,
            Doc::new("calls", "Read a call").answers::<CallDetail>("200", "All that is known of it"),
        ),
        row(
            (Method::GET, "/api/v1/calls/{session_id}/export.json"),
            read,
            calls::export::export,
            Doc::new("calls", "Export a call")
                .answers::<calls::export::Export>("200", "The same as a file, with its bot"),
        ),
    ]
}
