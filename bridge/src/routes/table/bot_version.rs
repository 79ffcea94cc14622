//! Versions and drafts of bots.

use actix_web::http::Method;

use crate::api::bots::view::BotView;
use crate::api::bots::{compare, draft, list, publish, versions};
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

const DRAFT: &str = "/api/v1/bots/{bot_id}/draft";
const EXPECTED: &str = "The bot's version that the change expects; without one it goes by what is there";

pub(super) fn routes() -> Vec<Route> {
    let mut routes = drafts();
    routes.extend(of_versions());
    routes
}

fn drafts() -> Vec<Route> {
    use draft::view::DraftView;
    let (read, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    let changes = |summary| Doc::new("bots", summary).header("If-Match", EXPECTED);
    vec![
        row(
            (Method::GET, DRAFT),
            read,
            draft::read::read,
            Doc::new("bots", "Read a bot's draft")
                .answers::<DraftView>("200", "The draft")
                .refuses("404", "No such bot, or it has no draft"),
        ),
        row(
            (Method::PUT, DRAFT),
            edit,
            draft::replace::replace,
            changes("Write a bot's draft")
                .json_body("The settings; what is left out takes its default. Keys that are left out stay.")
                .answers::<DraftView>("200", "The draft")
                .refuses("409", "The bot was changed in the meantime"),
        ),
        row(
            (Method::PATCH, DRAFT),
            edit,
            draft::patch::patch,
            changes("Change some of a draft's settings")
                .json_body("A JSON merge patch of the draft, or of what is published when there is none.")
                .answers::<DraftView>("200", "The draft")
                .refuses("409", "The bot was changed in the meantime"),
        ),
        row(
            (Method::DELETE, DRAFT),
            edit,
            draft::delete::delete,
            changes("Forget a bot's draft")
                .answers_empty("204", "It is gone")
                .refuses("404", "No such bot, or it has no draft"),
        ),
    ]
}

fn of_versions() -> Vec<Route> {
    use versions::view::{VersionList, VersionView};
    let (read, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    let changes = |summary| Doc::new("bots", summary).header("If-Match", EXPECTED);
    vec![
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/publish"),
            edit,
            publish::publish,
            changes("Publish a bot's draft")
                .json_body("`{note}`, or nothing")
                .answers::<BotView>("200", "The bot in its new version")
                .refuses("409", "There is no draft, it is outdated, or the bot was changed in the meantime"),
        ),
        row(
            (Method::GET, "/api/v1/bots/{bot_id}/versions"),
            read,
            versions::list::list,
            Doc::new("bots", "List a bot's versions")
                .query::<list::PageQuery>()
                .answers::<VersionList>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/bots/{bot_id}/versions/{number}"),
            read,
            versions::read::read,
            Doc::new("bots", "Read a version of a bot")
                .answers::<VersionView>("200", "The version")
                .refuses("404", "No such bot or version"),
        ),
        row(
            (Method::POST, "/api/v1/bots/{bot_id}/versions/{number}/restore"),
            edit,
            versions::restore::restore,
            changes("Roll a bot back to an old version")
                .json_body("`{note}`, or nothing")
                .answers::<BotView>("200", "The bot in a new version with the old settings")
                .refuses("404", "No such bot or version"),
        ),
        row(
            (Method::GET, "/api/v1/bots/{bot_id}/compare"),
            read,
            compare::compare,
            Doc::new("bots", "Compare two versions of a bot")
                .query::<compare::CompareQuery>()
                .answers::<compare::Comparison>("200", "The fields that differ")
                .refuses("404", "No such bot, version or draft"),
        ),
    ]
}
