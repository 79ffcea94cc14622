//! Bots and calls under the words of other programs: the same handlers, the same answers.

use actix_web::http::Method;

use crate::api::{bots, calls};
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let (see_bots, see_calls) = (Access::with::<may::ReadBots>(), Access::with::<may::ReadCalls>());
    vec![
        row(
            (Method::GET, "/v1/agents"),
            see_bots,
            bots::list::list,
            Doc::new("aliases", "List agents")
                .query::<bots::list::ListQuery>()
                .answers::<bots::view::BotPage>("200", "As /api/v1/bots"),
        ),
        row(
            (Method::GET, "/v1/agents/{bot_id}"),
            see_bots,
            bots::read::read,
            Doc::new("aliases", "Read an agent")
                .answers::<bots::view::BotView>("200", "As /api/v1/bots/{bot_id}"),
        ),
        row(
            (Method::GET, "/v1/calls"),
            see_calls,
            calls::list::list,
            Doc::new("aliases", "List calls")
                .query::<calls::list::ListQuery>()
                .answers::<calls::view::CallPage>("200", "As /api/v1/calls"),
        ),
        row(
            (Method::GET, "/v1/calls/{session_id}"),
            see_calls,
            calls::read::read,
            Doc::new("aliases", "Read a call")
                .answers::<calls::view::CallDetail>("200", "As /api/v1/calls/{session_id}"),
        ),
    ]
}
