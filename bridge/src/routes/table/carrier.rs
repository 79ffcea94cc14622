//! Carriers, their numbers, and the aliases of other programs.

use std::time::Duration;

use actix_web::http::Method;

use crate::api::{carriers, sip};
use crate::auth::permission as may;
use crate::edge::params::PageQuery;
use crate::routes::doc::Doc;
use crate::routes::row::{row, slow_row};
use crate::routes::{Access, Route};

/// Ten requests to LiveKit at most, each of which may take its time.
const SYNC_DEADLINE: Duration = Duration::from_secs(170);

pub(super) fn routes() -> Vec<Route> {
    let mut rows = of_carriers();
    rows.extend(of_numbers());
    rows.extend(asked_by_workers());
    rows
}

fn of_carriers() -> Vec<Route> {
    use carriers::view::{CarrierPage, CarrierRequest, CarrierView};
    let (read, edit) = (Access::with::<may::ReadCarriers>(), Access::with::<may::EditCarriers>());
    const LIST: &str = "/api/v1/carriers";
    const ONE: &str = "/api/v1/carriers/{carrier_id}";
    vec![
        row(
            (Method::GET, LIST),
            read,
            carriers::list::list,
            Doc::new("carriers", "List carriers")
                .query::<PageQuery>()
                .answers::<CarrierPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, LIST),
            edit,
            carriers::create::create,
            Doc::new("carriers", "Create a carrier")
                .body::<CarrierRequest>()
                .answers::<CarrierView>("201", "The carrier"),
        ),
        row(
            (Method::GET, ONE),
            read,
            carriers::read::read,
            Doc::new("carriers", "Read a carrier").answers::<CarrierView>("200", "Without its passwords"),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            carriers::replace::replace,
            Doc::new("carriers", "Replace a carrier")
                .header("if-match", "The version that the change expects; without one the last write wins")
                .body::<CarrierRequest>()
                .answers::<CarrierView>("200", "The carrier")
                .refuses("409", "`conflict`: somebody else changed it"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            carriers::delete::delete,
            Doc::new("carriers", "Delete a carrier")
                .answers_empty("204", "It is gone, and what LiveKit had of it")
                .refuses("409", "`carrier_has_numbers`: delete them first; `sync_under_way`")
                .refuses("502", "`livekit_failed`: LiveKit still has trunks of it, and it stays")
                .refuses("504", "`livekit_too_slow`: the same"),
        ),
        slow_row(
            (Method::POST, "/api/v1/carriers/{carrier_id}/sync"),
            edit,
            (carriers::sync::sync, SYNC_DEADLINE),
            Doc::new("carriers", "Make a carrier known to LiveKit")
                .answers::<CarrierView>("200", "How it stands now, also when LiveKit does not take it")
                .refuses("409", "`sync_under_way`")
                .refuses("503", "`livekit_not_configured`: its state stays pending")
                .refuses("504", "`livekit_too_slow`"),
        ),
    ]
}

fn of_numbers() -> Vec<Route> {
    use carriers::dids::view::{Assignment, DidPage, DidView};
    let (read, edit) = (Access::with::<may::ReadCarriers>(), Access::with::<may::EditCarriers>());
    const LIST: &str = "/api/v1/carriers/{carrier_id}/dids";
    const ONE: &str = "/api/v1/carriers/{carrier_id}/dids/{did_id}";
    vec![
        row(
            (Method::GET, LIST),
            read,
            carriers::dids::list::list,
            Doc::new("carriers", "List numbers of a carrier")
                .query::<PageQuery>()
                .answers::<DidPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, LIST),
            edit,
            carriers::dids::add::add,
            Doc::new("carriers", "Give a carrier a number")
                .body::<carriers::dids::add::DidRequest>()
                .answers::<DidView>("201", "The number")
                .refuses("409", "`number_taken`: the deployment has it already"),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            carriers::dids::change::change,
            Doc::new("carriers", "Assign a number")
                .body::<Assignment>()
                .answers::<DidView>("200", "The number"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            carriers::dids::remove::remove,
            Doc::new("carriers", "Take a number away").answers_empty("204", "It is gone"),
        ),
        row(
            (Method::GET, "/v1/numbers"),
            Access::with::<may::ReadNumbers>(),
            carriers::dids::list::list_all,
            Doc::new("carriers", "List numbers of the tenant")
                .query::<PageQuery>()
                .answers::<DidPage>("200", "Newest first"),
        ),
    ]
}

fn asked_by_workers() -> Vec<Route> {
    vec![
        row(
            (Method::GET, "/api/v1/sip/lookup"),
            Access::Internal,
            sip::lookup::lookup,
            Doc::new("sip", "Who answers a number")
                .query::<sip::lookup::LookupQuery>()
                .answers::<sip::lookup::LookupView>("200", "The bot")
                .refuses("404", "The number is nobody's"),
        ),
        row(
            (Method::GET, "/api/v1/sip/outbound-trunk"),
            Access::Internal,
            sip::outbound_trunk::outbound_trunk,
            Doc::new("sip", "The trunk of a number")
                .query::<sip::outbound_trunk::TrunkQuery>()
                .answers::<sip::outbound_trunk::TrunkView>("200", "The trunk and its limits")
                .refuses("404", "The number is nobody's"),
        ),
    ]
}
