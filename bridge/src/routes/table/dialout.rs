//! Placing calls.

use actix_web::http::Method;

use crate::api::dialout;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let place = Access::with::<may::PlaceCalls>();
    let doc = |summary: &'static str| {
        told(Doc::new("dialout", summary))
            .body::<dialout::dial::DialoutRequest>()
            .answers::<dialout::dial::DialoutView>("200", "A worker has the call")
    };
    vec![
        row((Method::POST, "/api/v1/sip/dialout"), place, dialout::dial::dialout, doc("Place a call")),
        row(
            (Method::POST, "/api/v1/dialout"),
            place,
            dialout::dial::dialout,
            doc("Place a call by the short path"),
        ),
        row(
            (Method::POST, "/v1/calls"),
            place,
            dialout::call::call,
            told(Doc::new("dialout", "Place a call in other words"))
                .body::<dialout::call::CallRequest>()
                .answers::<dialout::call::InitiatedView>("202", "A worker has the call"),
        ),
    ]
}

fn told(doc: Doc) -> Doc {
    doc.header("idempotency-key", "The same key with the same body places one call and is answered the same")
        .refuses("402", "`tenant_suspended`")
        .refuses("403", "`do_not_call`: the number is on the list")
        .refuses("409", "`dialout_under_way`: the request with this key is not answered yet")
        .refuses("429", "`too_many_dialouts`, or `worker_refused`: the workers are at capacity after all")
        .refuses("503", "`no_fleet`, `outside_active_hours`, `dialout_not_supported`, `worker_unreachable`")
        .refuses("504", "`call_outcome_unknown`: the call may have been placed")
}
