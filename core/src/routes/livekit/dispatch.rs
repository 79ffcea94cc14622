//! `POST /livekit/dispatch`: a telephone that rings in a room. The bot is the one that answers the number that was called. Whoever is
//! not answered is let go before this says so: nobody else would.

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::Incoming as Content;
use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, SessionId};

use super::{Refusal, Taken, admission, caller, config_url, read, room, start};
use crate::app::App;
use crate::routes::answer::{Answer, error, error_saying, json};
use crate::routes::call::Asker;
use crate::transport::line::CallInfo;
use crate::transport::livekit::order::{Begins, Order, Whom, event};
use crate::transport::livekit::server::LiveKit;

/// What ids of ours begin with: one that the sender made up for the call is kept.
const OURS: &str = "call_";

#[derive(Deserialize)]
struct Body {
    room_name: String,
    caller_number: String,
    dialed_number: String,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    config_url: Option<String>,
}

#[derive(Serialize)]
struct Accepted {
    status: &'static str,
    call_id: SessionId,
}

/// Have the bot answer: 404 when no bot has the number and 429 when the worker is busy, with the telephone removed from the room.
pub async fn begin(app: Arc<App>, asker: Asker, request: Request<Content>) -> Answer {
    take(app, asker, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn take(app: Arc<App>, asker: Asker, request: Request<Content>) -> Result<Answer, Refusal> {
    let asked = read::<Body>(&app, request).await?;
    let (room, bridge_url) = (room(asked.body.room_name)?, config_url(asked.body.config_url)?);
    let admission = match admission(&app, &asker) {
        Ok(admission) => admission,
        Err(refusal) => return Err(let_go(&asked.livekit, &room, refusal).await),
    };
    let bot_id = match bot_of(&app, bridge_url.as_deref(), &asked.body.dialed_number).await {
        Ok(bot_id) => bot_id,
        Err(refusal) => return Err(let_go(&asked.livekit, &room, refusal).await),
    };
    let named = asked.body.call_id.filter(|id| id.starts_with(OURS)).and_then(|id| id.parse().ok());
    let call_id: SessionId = named.unwrap_or_else(SessionId::generate);
    let (caller, did) = (caller(&asked.body.caller_number), caller(&asked.body.dialed_number));
    let info = CallInfo {
        stream_id: Some(room.clone()),
        direction: Some("incoming".into()),
        connected_event: event(&caller, Some(&did), "incoming", &room),
        caller_id: Some(caller),
        did: Some(did),
        ..CallInfo::default()
    };
    let order = Order {
        room,
        session_id: call_id.clone(),
        whom: Whom::AnyPhone,
        begins: Begins::Ringing,
        room_is_ours: true,
        info,
    };
    let taken = Taken { bot_id, admission, trace: asked.trace, order, bridge_url, from_number: None };
    start(app, asked.livekit, taken);
    Ok(json(&Accepted { status: "accepted", call_id }))
}

/// Whose number it is at the bridge that the call is of.
async fn bot_of(app: &App, bridge_url: Option<&str>, number: &str) -> Result<BotId, Refusal> {
    let bridge = bridge_url.map_or_else(|| app.bridge.clone(), |url| app.bridge.at(url));
    match bridge.bot_of_number(number).await {
        Ok(Some(bot_id)) => Ok(bot_id),
        Ok(None) => {
            let what = "no bot answers the number that was called: give it one among its carrier's numbers";
            Err(Box::new(error_saying(StatusCode::NOT_FOUND, "unknown_number", what)))
        }
        Err(fault) => {
            tracing::error!(error = %fault, "a call cannot be answered");
            app.metrics.control_plane_away();
            Err(Box::new(error(StatusCode::SERVICE_UNAVAILABLE, "control_plane_unavailable")))
        }
    }
}

/// Hang up whoever rings in the room, and then refuse.
async fn let_go(livekit: &LiveKit, room: &str, refusal: Refusal) -> Refusal {
    let removed = async {
        for phone in livekit.phones(room).await? {
            livekit.remove(room, &phone).await?;
        }
        Ok::<_, vox_livekit::service::ServiceError>(())
    };
    if let Err(error) = removed.await {
        tracing::error!(%error, "a telephone that is not answered could not be removed from its room");
    }
    refusal
}
