//! What happened, for whoever asks or listens.

use actix_web::http::Method;

use crate::api::events;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let read = Access::with::<may::ReadEvents>();
    vec![
        row(
            (Method::GET, "/api/v1/events"),
            read,
            events::list::list,
            Doc::new("events", "List events")
                .query::<events::list::ListQuery>()
                .answers::<events::view::EventPage>("200", "In their order, the oldest first"),
        ),
        row(
            (Method::GET, "/api/v1/events/stream"),
            read,
            events::stream::stream,
            Doc::new("events", "Follow events")
                .header(
                    "last-event-id",
                    "The `id` of the last event that the client has; without it the stream begins now",
                )
                .answers_with(
                    "200",
                    "text/event-stream",
                    "Events as they come; `id` is `seq`, `data` is an event as the list has it",
                )
                .refuses("429", "`too_many_streams`")
                .refuses("503", "`too_many_streams`: all together have too many"),
        ),
    ]
}
