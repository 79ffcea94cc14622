//! What workers ask and deliver.

use actix_web::http::Method;

use crate::api::{config, internal, plivo, results};
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    const CONFIG: &str = "/api/v1/config/{bot_id}";
    let config_refusals = |doc: Doc| {
        doc.answers_with("200", "application/json", "The runtime config, version 1")
            .refuses("401", "The ticket is missing, spent, expired or for another bot")
            .refuses("402", "`tenant_suspended`, or `quota_exceeded`: the error has `resource`, `used`, `limit`, `resets_at`")
            .refuses("403", "`line_forbidden`: the bot's lines are guarded, and this one is not allowed")
            .refuses("404", "No such bot, or it is disabled")
            .refuses("409", "The session id belongs to another call")
            .refuses("503", "`outside_active_hours`")
    };
    vec![
        row(
            (Method::GET, CONFIG),
            Access::Internal,
            config::fetch::fetch,
            config_refusals(Doc::new("core", "Runtime config").query::<config::fetch::FetchQuery>()),
        ),
        row(
            (Method::POST, CONFIG),
            Access::Internal,
            config::fetch::fetch_by_body,
            config_refusals(
                Doc::new("core", "Runtime config by body").json_body("The config request, version 1"),
            ),
        ),
        row(
            (Method::POST, "/api/v1/call-results"),
            Access::OfCall,
            results::deliver::deliver,
            Doc::new("core", "Deliver a result")
                .json_body("The call result, version 1")
                .answers::<results::deliver::Receipt>("200", "The terminal record is durable")
                .refuses("404", "Neither the session nor its bot is known"),
        ),
        row(
            (Method::GET, "/api/v1/public/plivo/dial"),
            Access::Public,
            plivo::dial::dial,
            Doc::new("core", "Whom Plivo is to dial").query::<plivo::dial::DialQuery>().answers_with(
                "200",
                "application/xml",
                "Plivo XML that dials the number or the SIP address",
            ),
        ),
        row(
            (Method::POST, "/api/v1/internal/calls/{session_id}/events"),
            Access::OfCall,
            internal::events::report,
            Doc::new("core", "Tell of a running call")
                .json_body("The live report, version 1")
                .answers::<internal::events::Heard>("200", "It was heard, or came too late")
                .refuses("404", "No such call"),
        ),
        row(
            (Method::POST, "/api/v1/internal/calls/{session_id}/permits"),
            Access::OfCall,
            internal::permits::permit,
            Doc::new("core", "Ask whether a running call may go to a fall-back")
                .json_body("The name of a permit of the call's config")
                .answers::<internal::permits::PermitView>("200", "Whether it may")
                .refuses("404", "No such call"),
        ),
    ]
}
