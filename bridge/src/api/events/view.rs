//! How events are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::store::events::Event;
use crate::store::{Reach, Stored};

/// An event. What a webhook gets is the same without `seq` and `call_id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// The same in every delivery of it.
    pub id: String,
    /// Its place among the tenant's events; it grows, with gaps.
    pub seq: i64,
    pub event: String,
    /// RFC 3339, UTC; when it happened.
    pub timestamp: String,
    /// The call that it is about.
    pub call_id: Option<String>,
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
}

/// One page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    pub items: Vec<EventView>,
    /// Where the next page begins, now or later.
    pub next_cursor: String,
}

/// Those within reach: a key that is limited to bots hears of these alone.
pub fn shown(events: Vec<Stored<Event>>, reach: &Reach) -> Vec<EventView> {
    let is_within = |event: &Event| match &event.bot_id {
        Some(bot) => reach.includes(bot.as_str()),
        None => reach.bots().is_none(),
    };
    let view = |stored: Stored<Event>| {
        let event = stored.value;
        Some(EventView {
            id: stored.id,
            seq: event.seq?,
            event: event.event,
            timestamp: event.at.to_string(),
            call_id: event.session_id.map(|id| id.to_string()),
            data: event.data,
        })
    };
    events.into_iter().filter(|stored| is_within(&stored.value)).filter_map(view).collect()
}
