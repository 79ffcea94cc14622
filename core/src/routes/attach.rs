//! `POST /attach`: a bot for a telephone that somebody else has rung, and that has answered; or, with `answer: awaited`, for one that is
//! rung when the bot has said that it is ready. Whoever rings it learns the outcome whatever happens: a call whose config cannot be had
//! leaves a record too.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming as Content;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{ReservationId, SessionId};

use super::answer::{Answer, json};
use super::call::Asker;
use super::livekit::{
    Refusal, Taken, admission, bot_id, config_url, invalid, number, read, room, session_id, start,
};
use crate::app::App;
use crate::transport::line::CallInfo;
use crate::transport::livekit::order::{Begins, Order, Whom, event, of_campaign};

#[derive(Deserialize)]
struct Body {
    room_name: String,
    bot_id: String,
    #[serde(default)]
    to_number: Option<String>,
    #[serde(default)]
    from_number: Option<String>,
    #[serde(default)]
    config_url: Option<String>,
    #[serde(default)]
    connected_event: Option<Map<String, Value>>,
    #[serde(default)]
    campaign_call_id: Option<String>,
    /// Whether they have answered already.
    #[serde(default)]
    answer: Given,
    /// How long they will be let ring, of an answer that is awaited.
    #[serde(default)]
    ring_secs: Option<u32>,
    /// The bridge sees by the worker's next report that the slot is taken.
    #[serde(default)]
    reservation_id: Option<ReservationId>,
}

/// How far whoever is rung has come.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Given {
    /// They have answered.
    #[default]
    Given,
    /// Nobody is rung before the bot has said that it is ready.
    Awaited,
}

/// How long a telephone rings, seconds, where nobody says it.
const RING_SECS: u32 = 45;
/// Longest time that is let ring, seconds.
const MAX_RING_SECS: u32 = 120;
/// Between a bot that is ready and a telephone that rings lie a write of the bridge's and a carrier.
const BEFORE_IT_RINGS: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Accepted {
    status: &'static str,
    call_id: SessionId,
}

/// Have the bot speak to the telephone of `to_number`, or to the first telephone of the room.
pub async fn begin(app: Arc<App>, asker: Asker, request: Request<Content>) -> Answer {
    take(app, asker, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn take(app: Arc<App>, asker: Asker, request: Request<Content>) -> Result<Answer, Refusal> {
    let asked = read::<Body>(&app, request).await?;
    let body = asked.body;
    let (room, bot_id) = (room(body.room_name)?, bot_id(&body.bot_id)?);
    let bridge_url = config_url(body.config_url)?;
    let number = |field: &str, text: Option<String>| text.map(|text| number(field, &text)).transpose();
    let (whom, from) = (number("to_number", body.to_number)?, number("from_number", body.from_number)?);
    let (to, from) = (whom.as_ref().map(ToString::to_string), from.map(|from| from.to_string()));
    let begins = begins(body.answer, body.ring_secs)?;
    let admission = admission(&app, &asker)?;
    if let Some(reservation) = &body.reservation_id {
        tracing::info!(reservation.id = %reservation, "a call comes to the slot that was reserved for it");
    }
    let mut told = body.connected_event.unwrap_or_default();
    of_campaign(&mut told, body.campaign_call_id);
    let call_id = session_id(&told);
    for (name, value) in event(to.as_deref().unwrap_or_default(), from.as_deref(), "outgoing", &room) {
        told.entry(name).or_insert(value);
    }
    let info = CallInfo {
        stream_id: Some(room.clone()),
        caller_id: to.clone(),
        did: from.clone(),
        direction: Some("outgoing".into()),
        connected_event: told,
        ..CallInfo::default()
    };
    let order = Order {
        room,
        session_id: call_id.clone(),
        whom: whom.map_or(Whom::AnyPhone, Whom::Rung),
        begins,
        // Whoever made it may still be in it.
        room_is_ours: false,
        info,
    };
    let taken = Taken { bot_id, admission, trace: asked.trace, order, bridge_url, from_number: from };
    start(app, asked.livekit, taken);
    Ok(json(&Accepted { status: "accepted", call_id }))
}

fn begins(answer: Given, ring_secs: Option<u32>) -> Result<Begins, Refusal> {
    let ring_secs = ring_secs.unwrap_or(RING_SECS);
    if !(1..=MAX_RING_SECS).contains(&ring_secs) {
        return Err(invalid("ring_secs", &format!("must be 1 to {MAX_RING_SECS}")));
    }
    let patience = Duration::from_secs(ring_secs.into()) + BEFORE_IT_RINGS;
    Ok(match answer {
        Given::Given => Begins::Answered,
        Given::Awaited => Begins::Awaited { patience },
    })
}
