//! `POST /livekit/dialout`: a bot calls somebody, in a room that is made for it.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming as Content;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::SessionId;

use super::{Refusal, Taken, admission, bot_id, config_url, invalid, number, read, session_id, start};
use crate::app::App;
use crate::routes::answer::{Answer, json};
use crate::routes::call::Asker;
use crate::transport::line::CallInfo;
use crate::transport::livekit::order::{Begins, Order, Whom, event};

#[derive(Deserialize)]
struct Body {
    bot_id: String,
    to_number: String,
    #[serde(default)]
    from_number: Option<String>,
    #[serde(default)]
    connected_event: Option<Map<String, Value>>,
    #[serde(default)]
    config_url: Option<String>,
}

#[derive(Serialize)]
struct Accepted {
    status: &'static str,
    call_id: SessionId,
    room_name: String,
}

/// Have the bot ring a number: 422 for what is no number, and for a call from no number where the deployment has no trunk for it.
pub async fn begin(app: Arc<App>, asker: Asker, request: Request<Content>) -> Answer {
    take(app, asker, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn take(app: Arc<App>, asker: Asker, request: Request<Content>) -> Result<Answer, Refusal> {
    let asked = read::<Body>(&app, request).await?;
    let Body { bot_id: bot, to_number, from_number, connected_event, config_url: url } = asked.body;
    let (bot_id, bridge_url) = (bot_id(&bot)?, config_url(url)?);
    let to = number("to_number", &to_number)?.to_string();
    let from = from_number.map(|from| number("from_number", &from)).transpose()?.map(|from| from.to_string());
    if from.is_none() && asked.livekit.outbound_trunk.is_none() {
        return Err(invalid(
            "from_number",
            "is needed: it chooses the trunk, and LIVEKIT_OUTBOUND_TRUNK is not set",
        ));
    }
    let admission = admission(&app, &asker)?;
    let room_name = format!("dialout-{}", uuid(rand::random()));
    let mut told = connected_event.unwrap_or_default();
    let call_id = session_id(&told);
    for (name, value) in event(&to, from.as_deref(), "outgoing", &room_name) {
        told.entry(name).or_insert(value);
    }
    let info = CallInfo {
        stream_id: Some(room_name.clone()),
        caller_id: Some(to.clone()),
        did: from.clone(),
        direction: Some("outgoing".into()),
        connected_event: told,
        ..CallInfo::default()
    };
    let order = Order {
        room: room_name.clone(),
        session_id: call_id.clone(),
        whom: Whom::Phone(format!("sip-{to}")),
        begins: Begins::Dialled { to, from: from.clone() },
        room_is_ours: true,
        info,
    };
    let taken = Taken { bot_id, admission, trace: asked.trace, order, bridge_url, from_number: from };
    start(app, asked.livekit, taken);
    Ok(json(&Accepted { status: "accepted", call_id, room_name }))
}

/// A UUID of version 4 (RFC 9562, 5.4).
fn uuid(random: u128) -> String {
    let free = random & !(0xf << 76) & !(0b11 << 62);
    let bits = free | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_a_name_as_uuids_are_written() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
