//! Tickets that calls are begun with: of the audio socket, and of visitors of web pages.

use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::config::ConfigRequest;

use super::refused::Refused;
use crate::auth::secret_token;
use crate::store::calls::visit::Visit;
use crate::store::tickets::OfPage;
use crate::store::{Stamp, Stores};

/// What the names of rooms of visitors begin with. What such a visitor brings is kept under the room's name, which has chance enough and
/// which the worker tells.
pub const VISITORS_ROOM: &str = "widget-";

/// What a request shows.
pub enum Shown {
    /// The audio socket's ticket. An empty one is none of ours.
    Socket(String),
    /// The room of a visitor.
    Room(String),
}

impl Shown {
    /// Of a request, by its transport.
    pub fn of(request: &mut ConfigRequest, is_socket: bool, is_room: bool) -> Option<Self> {
        if is_socket {
            return Some(Self::Socket(request.ticket.take().unwrap_or_default()));
        }
        let room = request.connected_event.get("room_name").filter(|_| is_room)?.as_str()?;
        room.starts_with(VISITORS_ROOM).then(|| Self::Room(room.to_owned()))
    }

    /// Under what its ticket is kept.
    fn hash(&self) -> Option<String> {
        match self {
            Self::Socket(text) => {
                (text.len() <= secret_token::MAX_TOKEN_BYTES).then(|| secret_token::hash(text))
            }
            Self::Room(name) => Some(of_room(name)),
        }
    }
}

/// Under what is kept that a visitor brings to a room. It opens no socket.
pub fn of_room(name: &str) -> String {
    secret_token::hash(&format!("room {name}"))
}

/// What a ticket brings, if it was given to a visitor.
pub async fn page(stores: &Stores, shown: Option<&Shown>) -> Result<Option<OfPage>, Refused> {
    let Some(hash) = shown.and_then(Shown::hash) else { return Ok(None) };
    Ok(stores.tickets().find_ticket(&hash).await?.and_then(|ticket| ticket.of_page))
}

/// Use it for this call to this bot, which may ask again. Without a good one no socket is opened; a room has been opened already, and only
/// lacks what the visitor brought. Answers whether it is used.
pub async fn spend(
    stores: &Stores,
    shown: Option<&Shown>,
    (bot, call): (&BotId, &SessionId),
    now: Stamp,
) -> Result<bool, Refused> {
    let Some(shown) = shown else { return Ok(false) };
    let is_good = match shown.hash() {
        Some(hash) => stores.tickets().spend(&hash, bot, call, now).await?,
        None => false,
    };
    match shown {
        Shown::Socket(_) if !is_good => Err(Refused::BadTicket),
        _ => Ok(is_good),
    }
}

/// Add what a page tells to what the line tells, which comes first.
pub fn bring(page: OfPage, event: &mut Map<String, Value>) -> Visit {
    for (name, value) in page.variables {
        event.entry(name).or_insert(value);
    }
    page.visit
}
