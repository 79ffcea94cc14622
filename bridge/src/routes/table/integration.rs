//! Vendors of telephone lines that have a protocol of their own.

use actix_web::http::Method;

use crate::api::integrations::exotel;
use crate::auth::permission as may;
use crate::edge::params::PageQuery;
use crate::exotel::settings::AccountRequest;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

const ACCOUNT: &str = "/api/v1/integrations/exotel";
const DIDS: &str = "/api/v1/integrations/exotel/dids";
const DID: &str = "/api/v1/integrations/exotel/dids/{did_id}";
const NONE: &str = "The tenant has no account";

pub(super) fn routes() -> Vec<Route> {
    use exotel::view::AccountView;
    let (read, edit) = (Access::with::<may::ReadCarriers>(), Access::with::<may::EditCarriers>());
    let mut rows = vec![
        row(
            (Method::GET, ACCOUNT),
            read,
            exotel::read::read,
            Doc::new("exotel", "Read the account with Exotel")
                .answers::<AccountView>("200", "Without its credentials")
                .refuses("404", NONE),
        ),
        row(
            (Method::PUT, ACCOUNT),
            edit,
            exotel::replace::replace,
            Doc::new("exotel", "Set the account with Exotel")
                .header("if-match", "The version that the change expects; without one the last write wins")
                .body::<AccountRequest>()
                .answers::<AccountView>("200", "Without its credentials")
                .refuses("409", "`conflict`: somebody else changed it"),
        ),
        row(
            (Method::DELETE, ACCOUNT),
            edit,
            exotel::remove::remove,
            Doc::new("exotel", "Delete the account with Exotel")
                .answers_empty("204", "It is gone")
                .refuses("404", NONE)
                .refuses("409", "`carrier_has_numbers`: delete them first"),
        ),
        row(
            (Method::POST, "/api/v1/integrations/exotel/test-call"),
            edit,
            exotel::test_call::test_call,
            Doc::new("exotel", "Have Exotel call somebody to try a number")
                .body::<exotel::test_call::TestCallRequest>()
                .answers::<exotel::test_call::TestCallView>("200", "What Exotel said")
                .header("idempotency-key", "The same key with the same body asks Exotel once")
                .refuses("402", "As a dialout")
                .refuses("404", NONE)
                .refuses("409", "`dialout_under_way`: a request with this key is not answered yet")
                .refuses(
                    "504",
                    "`call_outcome_unknown`, to a repeat: Exotel did not say whether it placed the call",
                )
                .refuses("503", "`media_url_not_public`, `outside_active_hours`"),
        ),
    ];
    rows.extend(of_numbers(read, edit));
    rows
}

fn of_numbers(read: Access, edit: Access) -> Vec<Route> {
    use exotel::dids::view::{ExotelAssignment, ExotelDidPage, ExotelDidView};
    use exotel::dids::{add, change, list, remove};
    vec![
        row(
            (Method::GET, DIDS),
            read,
            list::list,
            Doc::new("exotel", "List numbers of the account")
                .query::<PageQuery>()
                .answers::<ExotelDidPage>("200", "Newest first")
                .refuses("404", NONE),
        ),
        row(
            (Method::POST, DIDS),
            edit,
            add::add,
            Doc::new("exotel", "Give the account a number")
                .body::<add::ExotelDidRequest>()
                .answers::<ExotelDidView>("201", "The number")
                .refuses("404", NONE)
                .refuses("409", "`number_taken`: the deployment has it already; `carrier_closing`"),
        ),
        row(
            (Method::PUT, DID),
            edit,
            change::change,
            Doc::new("exotel", "Assign a number of the account")
                .body::<ExotelAssignment>()
                .answers::<ExotelDidView>("200", "The number"),
        ),
        row(
            (Method::DELETE, DID),
            edit,
            remove::remove,
            Doc::new("exotel", "Take a number away from the account").answers_empty("204", "It is gone"),
        ),
    ]
}
