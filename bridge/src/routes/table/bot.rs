//! Bots.

use actix_web::http::Method;

use crate::api::bots;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use crate::bot::parcel::Parcel;
    use bots::view::{BotPage, BotView};
    let (read, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    const LIST: &str = "/api/v1/bots";
    const ONE: &str = "/api/v1/bots/{bot_id}";
    const SETTINGS: &str =
        "The bot's settings; what is left out takes its default. Vendor keys are never shown again.";
    const VERSION: &str =
        "The version that the change expects (or `version` in the body); without one the last write wins";
    vec![
        // Before the bots by their ids: none is called like this.
        row(
            (Method::POST, "/api/v1/bots/import"),
            edit,
            bots::import::import,
            Doc::new("bots", "Import a bot")
                .header("Idempotency-Key", "As for a new bot")
                .body::<Parcel>()
                .answers::<BotView>("201", "The bot")
                .refuses("422", "All that is wrong with the file, the secrets that are not given among it"),
        ),
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
            (Method::GET, "/api/v1/bots/{bot_id}/config-requests"),
            read,
            bots::config_requests::list,
            Doc::new("bots", "List the last requests for a bot's config")
                .answers::<bots::config_requests::ConfigRequestList>("200", "Newest first; it may lack some")
                .refuses("404", "No such bot"),
        ),
        row(
            (Method::PUT, ONE),
            edit,
            bots::replace::replace,
            Doc::new("bots", "Replace a bot's settings at once")
                .header("If-Match", VERSION)
                .json_body(SETTINGS)
                .answers::<BotView>("200", "The bot")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::PATCH, ONE),
            edit,
            bots::patch::patch,
            Doc::new("bots", "Change some of a bot's settings at once")
                .header("If-Match", VERSION)
                .json_body("A JSON merge patch: what is left out stays, null resets to the default.")
                .answers::<BotView>("200", "The bot")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            bots::delete::delete,
            Doc::new("bots", "Delete a bot")
                .header("If-Match", VERSION)
                .answers_empty("204", "It answers no call, and can be restored for 30 days"),
        ),
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/restore"),
            edit,
            bots::restore::restore,
            Doc::new("bots", "Restore a deleted bot")
                .header("If-Match", VERSION)
                .answers::<BotView>("200", "The bot, as it was")
                .refuses("404", "No such bot, or it is removed")
                .refuses("409", "It is not deleted"),
        ),
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/clone"),
            edit,
            bots::clone::clone,
            Doc::new("bots", "Copy a bot within its tenant")
                .body::<bots::clone::CloneRequest>()
                .answers::<BotView>("201", "The copy")
                .refuses("422", "What is wrong with the name"),
        ),
        row(
            (Method::GET, "/api/v1/bots/{bot_id}/export"),
            read,
            bots::export::export,
            Doc::new("bots", "Export a bot without its secrets")
                .query::<bots::export::ExportQuery>()
                .answers::<Parcel>("200", "The file"),
        ),
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/widget-key"),
            edit,
            bots::widget_key::renew::renew,
            Doc::new("bots", "Give a bot a new widget key")
                .header("If-Match", VERSION)
                .answers::<BotView>("200", "The bot with its key"),
        ),
        row(
            (Method::DELETE, "/api/v1/bots/{bot_id}/widget-key"),
            edit,
            bots::widget_key::remove::remove,
            Doc::new("bots", "Take a bot's widget key away")
                .header("If-Match", VERSION)
                .answers_empty("204", "It is gone")
                .refuses("404", "No such bot, or it has none"),
        ),
    ]
}
