//! Visitors of web pages.

use actix_web::http::Method;

use crate::api::widget;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use widget::feedback::{FeedbackRequest, feedback};
    use widget::page::VisitorRequest;
    use widget::ticket::{WidgetTicketView, ticket};
    use widget::token::{TokenView, token};
    let admission = |doc: Doc| {
        doc.header("origin", "The page's, as browsers send it; one of the bot's `widget.allowed_origins`")
            .body::<VisitorRequest>()
            .refuses("401", "`bad_widget_key`: it is missing or wrong, or the bot has no widget")
            .refuses("402", "The tenant is suspended, or its quota or budget is spent")
            .refuses("403", "`origin_not_allowed`")
            .refuses("404", "`unknown_bot`")
            .refuses(
                "422",
                "`bad_variables`, or something else has a value that is not acceptable; `fields` says what",
            )
            .refuses("429", "`too_many_visitors`")
    };
    vec![
        row(
            (Method::POST, "/api/v1/widget/token"),
            Access::Page,
            token,
            admission(Doc::new("widget", "A room with a bot"))
                .answers::<TokenView>("201", "A worker waits there")
                .refuses(
                    "503",
                    "`livekit_not_configured`: ask for a ticket; `no_fleet`, `dispatch_failed`: no worker is free; `outside_active_hours`",
                ),
        ),
        row(
            (Method::POST, "/api/v1/widget/ticket"),
            Access::Page,
            ticket,
            admission(Doc::new("widget", "An audio socket to a bot"))
                .answers::<WidgetTicketView>("201", "Good once, for a minute")
                .refuses("503", "`no_fleet`: no slot is free for visitors; `outside_active_hours`"),
        ),
        row(
            (Method::POST, "/api/v1/widget/feedback"),
            Access::Page,
            feedback,
            Doc::new("widget", "Say how a call was")
                .header("origin", "The page's that the call was begun on, as browsers send it")
                .body::<FeedbackRequest>()
                .answers_empty("204", "It is kept with the call")
                .refuses("401", "`bad_feedback_token`: it is wrong or too old")
                .refuses("403", "`origin_not_allowed`: another page's token")
                .refuses("404", "The call has not begun, or is gone")
                .refuses("429", "`too_many_visitors`: enough was said about this call"),
        ),
    ]
}
