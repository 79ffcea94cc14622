//! Deleting, holding and sharing calls.

use actix_web::http::Method;

use crate::api::calls::{delete, legal_hold, link, view};
use crate::api::erasures;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let (hold, share) = (Access::with::<may::HoldCalls>(), Access::with::<may::ShareRecordings>());
    let (on_hold, on_link) = ("/api/v1/calls/{session_id}/hold", "/api/v1/calls/{session_id}/recording-link");
    let erase = Access::with::<may::ErasePeople>();
    vec![
        row(
            (Method::POST, "/api/v1/erasures"),
            erase,
            erasures::begin::begin,
            Doc::new("calls", "Erase a person: delete all calls with their number")
                .body::<erasures::begin::NewErasure>()
                .answers::<erasures::view::ErasureView>("202", "It runs; read it again to see how far it is"),
        ),
        row(
            (Method::GET, "/api/v1/erasures/{erasure_id}"),
            erase,
            erasures::read::read,
            Doc::new("calls", "How far an erasure is, and the proof of it")
                .answers::<erasures::view::ErasureView>("200", "Without the number"),
        ),
        row(
            (Method::DELETE, "/api/v1/calls/{session_id}"),
            Access::with::<may::DeleteCalls>(),
            delete::delete,
            Doc::new("calls", "Delete a call with its transcript and recording")
                .answers::<delete::Deleted>("200", "Nothing shows it any more")
                .refuses("409", "`call_running`, `call_held`"),
        ),
        row(
            (Method::PUT, on_hold),
            hold,
            legal_hold::place::place,
            Doc::new("calls", "Put a call under a legal hold")
                .answers::<view::HoldView>("200", "It is not deleted, whoever asks for it"),
        ),
        row(
            (Method::DELETE, on_hold),
            hold,
            legal_hold::lift::lift,
            Doc::new("calls", "Lift a legal hold").answers_empty("204", "The call may be deleted"),
        ),
        row(
            (Method::POST, on_link),
            share,
            link::make::make,
            Doc::new("recordings", "Make a new link to a recording")
                .answers::<link::make::NewLink>("201", "The one before opens nothing any more")
                .refuses("409", "`no_recording`"),
        ),
        row(
            (Method::DELETE, on_link),
            share,
            link::revoke::revoke,
            Doc::new("recordings", "Revoke the link to a recording").answers_empty("204", "It opens nothing"),
        ),
    ]
}
