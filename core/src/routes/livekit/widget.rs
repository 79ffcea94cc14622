//! `POST /livekit/widget`: a bot for somebody with a browser, who joins the room when this was answered.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming as Content;
use serde::{Deserialize, Serialize};
use vox_shared::ids::SessionId;

use super::{Refusal, Taken, admission, bot_id, caller, config_url, read, room, start};
use crate::app::App;
use crate::routes::answer::{Answer, json};
use crate::routes::call::Asker;
use crate::transport::line::CallInfo;
use crate::transport::livekit::order::{Begins, Order, Whom, event};

#[derive(Deserialize)]
struct Body {
    bot_id: String,
    room_name: String,
    #[serde(default = "somebody")]
    caller_id: String,
    #[serde(default)]
    config_url: Option<String>,
}

fn somebody() -> String {
    "widget-user".into()
}

#[derive(Serialize)]
struct Accepted {
    status: &'static str,
    call_id: SessionId,
}

/// Have the bot join the room and wait for its visitor.
pub async fn begin(app: Arc<App>, asker: Asker, request: Request<Content>) -> Answer {
    take(app, asker, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn take(app: Arc<App>, asker: Asker, request: Request<Content>) -> Result<Answer, Refusal> {
    let asked = read::<Body>(&app, request).await?;
    let (bot_id, room) = (bot_id(&asked.body.bot_id)?, room(asked.body.room_name)?);
    let bridge_url = config_url(asked.body.config_url)?;
    let admission = admission(&app, &asker)?;
    let (caller, call_id) = (caller(&asked.body.caller_id), SessionId::generate());
    let info = CallInfo {
        stream_id: Some(room.clone()),
        direction: Some("incoming".into()),
        connected_event: event(&caller, None, "incoming", &room),
        caller_id: Some(caller),
        ..CallInfo::default()
    };
    let order = Order {
        room,
        session_id: call_id.clone(),
        whom: Whom::Visitor,
        begins: Begins::Present,
        room_is_ours: true,
        info,
    };
    let taken = Taken { bot_id, admission, trace: asked.trace, order, bridge_url, from_number: None };
    start(app, asked.livekit, taken);
    Ok(json(&Accepted { status: "accepted", call_id }))
}
