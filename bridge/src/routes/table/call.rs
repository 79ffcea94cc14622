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
    let mut routes = watching();
    routes.extend(orders());
    routes.extend(supervision());
    routes.extend([
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
        row(
            (Method::POST, "/api/v1/calls/{session_id}/analysis"),
            Access::with::<may::AnalyseCalls>(),
            calls::analysis::again::again,
            Doc::new("calls", "Have models asked about a call again")
                .answers::<calls::analysis::again::AskedAgain>(
                    "202",
                    "They are asked now; `analysis.ready` tells when they answered",
                )
                .refuses("402", "`quota_exceeded`, `budget_exceeded`")
                .refuses("409", "`call_running`, `analysis_running`, `too_many_runs`, or `nothing_to_ask` with the reasons"),
        ),
    ]);
    routes
}

const STREAM: &str = "text/event-stream";
const RESUME: &str = "Last-Event-ID";

/// Before the others: `live` is no call's id.
fn watching() -> Vec<Route> {
    let read = Access::with::<may::ReadCalls>();
    let stream = |doc: Doc| {
        doc.header(RESUME, "The id of the last event that you have")
            .answers_with("200", STREAM, "Server-sent events; see docs/live-calls.md")
            .refuses("400", "`bad_event_id`")
            .refuses("429", "`too_many_streams` of yours")
            .refuses("503", "`too_many_streams` of this bridge")
    };
    vec![
        row(
            (Method::GET, "/api/v1/calls/live"),
            read,
            calls::live::list::list,
            Doc::new("calls", "List running calls")
                .query::<calls::live::list::LiveQuery>()
                .answers::<calls::live::list::LivePage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/calls/live/events"),
            read,
            calls::live::events::events,
            stream(Doc::new("calls", "Follow the running calls")),
        ),
        row(
            (Method::GET, "/api/v1/calls/{session_id}/events"),
            read,
            calls::events::events,
            stream(Doc::new("calls", "Follow a call")).answers_empty("204", "You have the call's last event"),
        ),
    ]
}

fn supervision() -> Vec<Route> {
    use calls::supervision::{SeatView, leave, take};
    const PATH: &str = "/api/v1/calls/{session_id}/supervision";
    let may = Access::with::<may::SuperviseCalls>();
    let seat = |summary| {
        Doc::new("calls", summary)
            .refuses(
                "409",
                "`order_refused` with the reason, `call_ended`, `no_worker`, `supervision_not_supported`",
            )
            .refuses("503", "`worker_silent` (it may have been done), `call_busy`")
    };
    vec![
        row(
            (Method::PUT, PATH),
            may,
            take::take,
            seat("Listen to a running call, whisper, or talk with the caller")
                .body::<take::SeatRequest>()
                .answers::<SeatView>("200", "The rooms to join; see docs/live-calls.md"),
        ),
        row(
            (Method::DELETE, PATH),
            may,
            leave::leave,
            seat("Leave a call that you supervise")
                .answers_empty("204", "You are put out of the call's rooms"),
        ),
    ]
}

fn orders() -> Vec<Route> {
    use calls::orders::{Taken, Words, end, hold, resume, say, steer, transfer};
    let control = Access::with::<may::ControlCalls>();
    let order = |summary| {
        Doc::new("calls", summary)
            .answers::<Taken>("200", "The session has taken the order")
            .refuses("409", "`order_refused` with the reason, `call_ended`, `no_worker`")
            .refuses("503", "`worker_silent` (it may have been taken), `call_busy`")
    };
    let say_it = order("Have the bot say something").body::<Words>();
    let steer_it = order("Tell the bot something that the caller does not hear").body::<Words>();
    let transfer_it =
        order("Hand the caller over (409 where the call's line cannot)").body::<transfer::Target>();
    let end_it = order("End a call").body::<end::Farewell>();
    let post = |path: &'static str| (Method::POST, path);
    vec![
        row(post("/api/v1/calls/{session_id}/say"), control, say::say, say_it),
        row(post("/api/v1/calls/{session_id}/steer"), control, steer::steer, steer_it),
        row(post("/api/v1/calls/{session_id}/hold"), control, hold::hold, order("Put a call on hold")),
        row(post("/api/v1/calls/{session_id}/resume"), control, resume::resume, order("Go on after a hold")),
        row(post("/api/v1/calls/{session_id}/transfer"), control, transfer::transfer, transfer_it),
        row(post("/api/v1/calls/{session_id}/end"), control, end::end, end_it),
    ]
}
