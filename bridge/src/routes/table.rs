//! The rows.

use std::time::Duration;

use actix_web::Responder;
use actix_web::dev::Handler;
use actix_web::http::Method;

use super::doc::Doc;
use super::{Access, Route, audited};
use crate::api::{
    api_keys, audit, auth, bots, calls, config, fleet, internal, recordings, results, system, talk, vendors,
};
use crate::auth::permission as may;
use crate::edge::{InTurn, REQUEST_DEADLINE, UPLOAD_DEADLINE, followed};

/// Every route.
pub fn table() -> Vec<Route> {
    [
        auth_routes(),
        api_key_routes(),
        bot_routes(),
        call_routes(),
        recording_routes(),
        core_routes(),
        fleet_routes(),
        talk_routes(),
        internal_routes(),
        vendor_routes(),
        audit_routes(),
        system_routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn row<H, A>(at: (Method, &'static str), access: Access, handler: H, doc: Doc) -> Route
where
    H: Handler<A> + Send + Sync,
    H::Output: Responder,
    A: InTurn + 'static,
{
    slow_row(at, access, (handler, REQUEST_DEADLINE), doc)
}

/// A row whose handler gets another deadline.
fn slow_row<H, A>(
    (method, path): (Method, &'static str),
    access: Access,
    (handler, deadline): (H, Duration),
    doc: Doc,
) -> Route
where
    H: Handler<A> + Send + Sync,
    H::Output: Responder,
    A: InTurn + 'static,
{
    let audited = audited(&method, access);
    let handler = Box::new(move || followed(handler.clone(), deadline, audited));
    Route { method, path, access, handler, doc }
}

fn auth_routes() -> Vec<Route> {
    use auth::view::{SessionView, UserView};
    let own = Access::with::<may::OwnProfile>();
    vec![
        row(
            (Method::POST, "/api/v1/auth/login"),
            Access::Public,
            auth::login::login,
            Doc::new("auth", "Log in")
                .body::<auth::login::Credentials>()
                .answers::<SessionView>("200", "A session")
                .refuses("401", "Wrong address or password, or the user is inactive")
                .refuses("429", "Too many attempts from this client; `Retry-After` says when"),
        ),
        row(
            (Method::POST, "/api/v1/auth/refresh"),
            Access::Public,
            auth::refresh::refresh,
            Doc::new("auth", "Refresh a session")
                .body::<auth::refresh::RefreshRequest>()
                .answers::<SessionView>(
                    "200",
                    "The session with new tokens; the old refresh token is used up",
                )
                .refuses(
                    "401",
                    "The refresh token is unknown, expired or was used before, which ends the session",
                ),
        ),
        row(
            (Method::POST, "/api/v1/auth/logout"),
            Access::Public,
            auth::logout::logout,
            Doc::new("auth", "Log out")
                .body::<auth::refresh::RefreshRequest>()
                .answers_empty("204", "The session is over"),
        ),
        row(
            (Method::POST, "/api/v1/auth/register"),
            Access::with::<may::CreateUsers>(),
            auth::register::register,
            Doc::new("auth", "Create a user")
                .body::<auth::register::NewUser>()
                .answers::<UserView>("201", "The user")
                .refuses("403", "The role is above your own")
                .refuses("409", "The address is taken"),
        ),
        row(
            (Method::GET, "/api/v1/auth/me"),
            own,
            auth::me::read,
            Doc::new("auth", "Own profile").answers::<UserView>("200", "You"),
        ),
        row(
            (Method::PUT, "/api/v1/auth/me"),
            own,
            auth::me::replace,
            Doc::new("auth", "Change own profile")
                .body::<auth::me::Profile>()
                .answers::<UserView>("200", "You"),
        ),
        row(
            (Method::PUT, "/api/v1/auth/me/password"),
            own,
            auth::password::change,
            Doc::new("auth", "Change own password")
                .body::<auth::password::PasswordChange>()
                .answers::<SessionView>("200", "A new session; every other one is over")
                .refuses("403", "The current password is wrong"),
        ),
    ]
}

fn api_key_routes() -> Vec<Route> {
    use api_keys::view::{IssuedKey, KeyPage, KeyView};
    let manage = Access::with::<may::ManageApiKeys>();
    const LIST: &str = "/api/v1/api-keys";
    const ONE: &str = "/api/v1/api-keys/{key_id}";
    vec![
        row(
            (Method::GET, LIST),
            manage,
            api_keys::list::list,
            Doc::new("api-keys", "List keys")
                .query::<api_keys::list::ListQuery>()
                .answers::<KeyPage>("200", "Newest first, the revoked and expired ones too"),
        ),
        row(
            (Method::POST, LIST),
            manage,
            api_keys::create::create,
            Doc::new("api-keys", "Create a key")
                .body::<api_keys::create::KeyRequest>()
                .answers::<IssuedKey>("201", "The key, with its secret this once")
                .refuses("409", "`too_many_api_keys`: the tenant has 100 live ones"),
        ),
        row(
            (Method::GET, ONE),
            manage,
            api_keys::read::read,
            Doc::new("api-keys", "Read a key").answers::<KeyView>("200", "The key, without its secret"),
        ),
        row(
            (Method::DELETE, ONE),
            manage,
            api_keys::revoke::revoke,
            Doc::new("api-keys", "Revoke a key")
                .answers_empty("204", "It opens nothing any more; its record stays"),
        ),
        row(
            (Method::POST, "/api/v1/api-keys/{key_id}/rotate"),
            manage,
            api_keys::rotate::rotate,
            Doc::new("api-keys", "Give a key a new secret")
                .answers::<IssuedKey>(
                    "200",
                    "The key with its new secret; the old one opens nothing any more",
                )
                .refuses("409", "`api_key_not_live`: it is revoked or has expired"),
        ),
    ]
}

fn bot_routes() -> Vec<Route> {
    use bots::view::{BotPage, BotView};
    let (read, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    const LIST: &str = "/api/v1/bots";
    const ONE: &str = "/api/v1/bots/{bot_id}";
    const SETTINGS: &str =
        "The bot's settings; what is left out takes its default. Vendor keys are never shown again.";
    const VERSION: &str =
        "The version that the change expects (or `version` in the body); without one the last write wins";
    vec![
        row(
            (Method::GET, LIST),
            read,
            bots::list::list,
            Doc::new("bots", "List bots")
                .query::<bots::list::ListQuery>()
                .answers::<BotPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, LIST),
            edit,
            bots::create::create,
            Doc::new("bots", "Create a bot")
                .header(
                    "Idempotency-Key",
                    "A repeat with the same key finds the bot instead of making another",
                )
                .json_body(SETTINGS)
                .answers::<BotView>("201", "The bot")
                .refuses("422", "All that is wrong with the settings, or the key was used with another body"),
        ),
        row(
            (Method::GET, ONE),
            read,
            bots::read::read,
            Doc::new("bots", "Read a bot").answers::<BotView>("200", "The bot").refuses("404", "No such bot"),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            bots::replace::replace,
            Doc::new("bots", "Replace a bot's settings")
                .header("If-Match", VERSION)
                .json_body(SETTINGS)
                .answers::<BotView>("200", "The bot")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::PATCH, ONE),
            edit,
            bots::patch::patch,
            Doc::new("bots", "Change some of a bot's settings")
                .header("If-Match", VERSION)
                .json_body("A JSON merge patch: what is left out stays, null resets to the default.")
                .answers::<BotView>("200", "The bot")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            bots::delete::delete,
            Doc::new("bots", "Delete a bot").header("If-Match", VERSION).answers_empty("204", "It is gone"),
        ),
    ]
}

fn call_routes() -> Vec<Route> {
    use calls::view::{CallDetail, CallPage};
    let read = Access::with::<may::ReadCalls>();
    vec![
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
    ]
}

fn recording_routes() -> Vec<Route> {
    let audio = |doc: Doc| {
        doc.header("Range", "One range of bytes")
            .answers_with("200", "audio/wav", "The recording: caller left, bot right")
            .answers_with("206", "audio/wav", "A part of it")
            .refuses("404", "No such recording")
            .refuses("416", "The range lies outside")
    };
    vec![
        row(
            (Method::GET, "/api/v1/recordings/{session_id}"),
            Access::with::<may::ListenToRecordings>(),
            recordings::by_session::by_session,
            audio(Doc::new("recordings", "Recording of a call")),
        ),
        row(
            (Method::GET, "/api/v1/public/recordings/{token}"),
            Access::Public,
            recordings::by_token::by_token,
            audio(Doc::new("recordings", "Recording by its link")).answers_with(
                "307",
                "text/plain",
                "It is at the store's own address, for 24 hours",
            ),
        ),
        slow_row(
            (Method::PUT, "/api/v1/internal/recordings/{key}"),
            Access::Internal,
            (recordings::upload::upload, UPLOAD_DEADLINE),
            Doc::new("recordings", "Upload a recording")
                .header("x-content-sha256", "Hex; the upload is refused if it does not match")
                .bytes_body("audio/wav")
                .answers::<recordings::upload::Uploaded>("200", "It is durable"),
        ),
    ]
}

fn core_routes() -> Vec<Route> {
    const CONFIG: &str = "/api/v1/config/{bot_id}";
    let config_refusals = |doc: Doc| {
        doc.answers_with("200", "application/json", "The runtime config, version 1")
            .refuses("401", "The ticket is missing, spent, expired or for another bot")
            .refuses("402", "The tenant is suspended")
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
            Access::Internal,
            results::deliver::deliver,
            Doc::new("core", "Deliver a result")
                .json_body("The call result, version 1")
                .answers::<results::deliver::Receipt>("200", "The terminal record is durable")
                .refuses("404", "Neither the session nor its bot is known"),
        ),
    ]
}

fn fleet_routes() -> Vec<Route> {
    vec![
        row(
            (Method::POST, "/api/v1/fleet/workers"),
            Access::Internal,
            fleet::register::register,
            Doc::new("fleet", "Register a worker").json_body("The worker's report, version 1").answers_with(
                "200",
                "application/json",
                "`{ttl_seconds}`",
            ),
        ),
        row(
            (Method::GET, "/api/v1/fleet/status"),
            Access::with::<may::ReadFleet>(),
            fleet::status::status,
            Doc::new("fleet", "Capacity")
                .answers::<fleet::view::FleetView>("200", "The registered workers by host"),
        ),
    ]
}

fn talk_routes() -> Vec<Route> {
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

fn internal_routes() -> Vec<Route> {
    use calls::view::{CallDetail, CallPage};
    vec![
        row(
            (Method::GET, "/api/v1/internal/calls"),
            Access::Tools,
            internal::calls::calls,
            Doc::new("internal", "Calls of all tenants")
                .query::<internal::calls::CallsQuery>()
                .answers::<CallPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/internal/calls/{session_id}"),
            Access::Tools,
            internal::call::call,
            Doc::new("internal", "A call of any tenant")
                .answers::<CallDetail>("200", "All that is known of it"),
        ),
        row(
            (Method::GET, "/api/v1/internal/bots"),
            Access::Tools,
            internal::bots::bots,
            Doc::new("internal", "Bots of all tenants")
                .answers::<internal::bots::BotNames>("200", "Oldest first"),
        ),
    ]
}

fn vendor_routes() -> Vec<Route> {
    vec![row(
        (Method::GET, "/api/v1/vendor-keys"),
        Access::with::<may::ReadVendorKeys>(),
        vendors::keys::keys,
        Doc::new("vendors", "Vendor keys of the tenant's bots in clear, for `vox doctor`")
            .answers::<vendors::keys::VendorUses>("200", "One item a key"),
    )]
}

fn audit_routes() -> Vec<Route> {
    use audit::{list, verify, view};
    let read = Access::with::<may::ReadAudit>();
    vec![
        row(
            (Method::GET, "/api/v1/audit"),
            read,
            list::list,
            Doc::new("audit", "List audit entries")
                .query::<list::ListQuery>()
                .answers::<view::EntryPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/audit/verify"),
            read,
            verify::verify,
            Doc::new("audit", "Verify the chain of audit entries")
                .query::<verify::VerifyQuery>()
                .answers::<verify::Verified>("200", "Whether it is as it was written, and where it is not"),
        ),
    ]
}

fn system_routes() -> Vec<Route> {
    vec![
        row(
            (Method::GET, "/health"),
            Access::Public,
            system::health::health,
            Doc::new("system", "Health")
                .answers::<system::health::Health>("200", "The bridge and its store of documents answer")
                .refuses("503", "The store does not answer, or takes no writes"),
        ),
        row(
            (Method::GET, "/openapi.json"),
            Access::Public,
            system::openapi::openapi,
            Doc::new("system", "This document").answers_with("200", "application/json", "OpenAPI"),
        ),
        row(
            (Method::GET, "/docs"),
            Access::Public,
            system::docs::docs,
            Doc::new("system", "This document as a page").answers_with("200", "text/html", "HTML"),
        ),
    ]
}
