//! CRMs of bots, and what was pushed to them.

use actix_web::http::Method;

use crate::api::bots::crm;
use crate::api::calls::pushes;
use crate::auth::permission as may;
use crate::crm::settings::CrmRequest;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

const ONE: &str = "/api/v1/bots/{bot_id}/crm";
const NONE: &str = "No such bot, or it has no CRM";

pub(super) fn routes() -> Vec<Route> {
    use crm::view::CrmView;
    let (read, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    vec![
        row(
            (Method::GET, ONE),
            read,
            crm::read::read,
            Doc::new("crm", "Read a bot's CRM")
                .answers::<CrmView>("200", "Without the values of its headers")
                .refuses("404", NONE),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            crm::replace::replace,
            Doc::new("crm", "Set a bot's CRM")
                .header("If-Match", "The version that you have read")
                .body::<CrmRequest>()
                .answers::<CrmView>("200", "As it is now")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            crm::remove::remove,
            Doc::new("crm", "Take a bot's CRM away")
                .answers_empty("204", "What waited is not pushed")
                .refuses("404", NONE)
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/crm/test"),
            edit,
            crm::test::test,
            Doc::new("crm", "Try a bot's CRM")
                .body::<crm::test::CrmTest>()
                .answers::<crm::test::CrmTested>("200", "What was sent and what came back")
                .refuses("404", NONE),
        ),
        row(
            (Method::GET, "/api/v1/calls/{session_id}/pushes"),
            Access::with::<may::ReadCalls>(),
            pushes::pushes,
            Doc::new("crm", "List what was pushed of a call")
                .query::<pushes::ListQuery>()
                .answers::<pushes::PushPage>("200", "Newest first, with their attempts"),
        ),
    ]
}
