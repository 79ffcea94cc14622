//! Tickets that calls are begun with: of the audio socket, and of visitors of web pages.

use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::config::ConfigRequest;

use super::refused::Refused;
use crate::auth::secret_token;
use crate::store::calls::visit::Visit;
use crate::store::tickets::OfPage;
use crate::store::{Stamp, Stores};

/// The ticket of a visitor whose call is in a room: the bridge gave it to the worker, which hands it back among what it tells of the call.
pub const WIDGET_TICKET: &str = "_widget_ticket";

/// What a request shows. The audio socket needs one, and an empty one is none of ours.
pub fn shown(request: &mut ConfigRequest, reserved: &Map<String, Value>, is_socket: bool) -> Option<String> {
    match is_socket {
        true => Some(request.ticket.take().unwrap_or_default()),
        false => reserved.get(WIDGET_TICKET).map(|ticket| ticket.as_str().unwrap_or_default().to_owned()),
    }
}

/// What a ticket brings that was given to a visitor.
pub async fn of_page(stores: &Stores, ticket: Option<&str>) -> Result<Option<OfPage>, Refused> {
    let Some(ticket) = ticket else { return Ok(None) };
    if ticket.len() > secret_token::MAX_TOKEN_BYTES {
        return Err(Refused::BadTicket);
    }
    let found = stores.tickets().find_ticket(&secret_token::hash(ticket)).await?;
    Ok(found.and_then(|ticket| ticket.of_page))
}

/// Use a ticket for this call to this bot. The same call may ask again.
pub async fn spend(
    stores: &Stores,
    ticket: &str,
    (bot, call): (&BotId, &SessionId),
    now: Stamp,
) -> Result<(), Refused> {
    match stores.tickets().spend(&secret_token::hash(ticket), bot, call, now).await? {
        true => Ok(()),
        false => Err(Refused::BadTicket),
    }
}

/// Add what a page tells to what the line tells, which comes first.
pub fn bring(page: OfPage, event: &mut Map<String, Value>) -> Visit {
    for (name, value) in page.variables {
        event.entry(name).or_insert(value);
    }
    page.visit
}
