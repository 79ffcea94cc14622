//! What the LiveKit server tells.

use actix_web::http::Method;

use crate::api::livekit;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use livekit::webhook::{ToldView, webhook};
    vec![row(
        (Method::POST, "/api/v1/livekit/webhook"),
        Access::LiveKit,
        webhook,
        Doc::new("livekit", "Tell what happened at LiveKit")
            .json_body("An event as LiveKit sends it, with its token over the body in `Authorization`; 1 MiB at most")
            .answers::<ToldView>("200", "What came of it")
            .refuses("502", "`dispatch_failed`: no worker took the call")
            .refuses("503", "`dispatch_under_way`: tell it again; `no_fleet`: no worker is free; `livekit_not_configured`"),
    )]
}
