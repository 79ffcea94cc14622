//! Tickets to talk to a bot.

use actix_web::http::Method;

use crate::api::talk;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use talk::issue::{TicketRequest, TicketView};
    vec![
        row(
            (Method::POST, "/api/v1/talk/tickets"),
            Access::with::<may::TalkToBots>(),
            talk::issue::issue,
            Doc::new("talk", "Ticket to talk to a bot")
                .body::<TicketRequest>()
                .answers::<TicketView>("201", "Good once, for a minute"),
        ),
        row(
            (Method::POST, "/api/v1/internal/talk-tickets"),
            Access::Tools,
            talk::issue_internal::issue_internal,
            Doc::new("talk", "Ticket to talk to any bot")
                .body::<TicketRequest>()
                .answers::<TicketView>("201", "Good once, for a minute"),
        ),
    ]
}
