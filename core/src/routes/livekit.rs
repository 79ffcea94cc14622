//! What the routes share that order a call in a LiveKit room: `/livekit/widget`, `/livekit/dispatch`, `/livekit/dialout`, `/attach`.
//! Each answers at once, and the call runs on by itself. Whatever refuses one comes before anything is done.

pub mod dialout;
pub mod dispatch;
pub mod widget;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming as Content;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::Url;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::phone::Number;
use vox_shared::trace::{Place, TRACEPARENT};

use super::answer::{Answer, error, error_saying};
use super::call::{Asker, HeldSlot};
use crate::access::{Presented, is_internal};
use crate::admission::{Admission, admit};
use crate::app::App;
use crate::call::life::{self, Incoming, Ordered};
use crate::transport::livekit::line::Line;
use crate::transport::livekit::order::Order;
use crate::transport::livekit::server::LiveKit;

/// Most of a body read, bytes: what a bot is told of a call, and the rest.
const MAX_BODY: usize = 128 * 1024;
/// The body must be here within this.
const BODY_DEADLINE: Duration = Duration::from_secs(5);
/// As long as the server takes names of rooms, and identities of callers that are told further, characters.
const MAX_ROOM: usize = 256;
const MAX_CALLER: usize = 64;
/// Longest address of a bridge, bytes.
const MAX_URL: usize = 512;

/// An answer that says no. Boxed: it is the rare one.
pub(super) type Refusal = Box<Answer>;

/// What came with a request that may be answered.
pub(super) struct Asked<T> {
    pub(super) body: T,
    pub(super) livekit: Arc<LiveKit>,
    pub(super) trace: Option<Place>,
}

/// Read a request: 401 without the shared secret, 400 for a body that is none, 503 where no server is set.
pub(super) async fn read<T: DeserializeOwned>(
    app: &App,
    request: Request<Content>,
) -> Result<Asked<T>, Refusal> {
    if !is_internal(request.headers(), &app.config) {
        return Err(Box::new(error(StatusCode::UNAUTHORIZED, "unauthorized")));
    }
    let trace = trace(request.headers());
    let body = timeout(BODY_DEADLINE, Limited::new(request.into_body(), MAX_BODY).collect()).await;
    let Ok(Ok(body)) = body else { return Err(Box::new(error(StatusCode::BAD_REQUEST, "bad_body"))) };
    let body = serde_json::from_slice(&body.to_bytes())
        .map_err(|fault| Box::new(error_saying(StatusCode::BAD_REQUEST, "bad_body", &fault.to_string())))?;
    let Some(livekit) = app.livekit.clone() else {
        let what = "set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET of this worker";
        return Err(Box::new(error_saying(StatusCode::SERVICE_UNAVAILABLE, "livekit_not_configured", what)));
    };
    Ok(Asked { body, livekit, trace })
}

fn trace(headers: &HeaderMap) -> Option<Place> {
    Place::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// The worker's slot for the call, or 429, for whatever reason it takes none: another one may.
pub(super) fn admission(app: &App, asker: &Asker) -> Result<Admission, Refusal> {
    admit(app, asker.held.as_ref().and_then(HeldSlot::take)).map_err(|reason| {
        tracing::info!(%reason, "a call that was ordered is not taken");
        Box::new(error(StatusCode::TOO_MANY_REQUESTS, "at_capacity"))
    })
}

/// A call that may begin.
pub(super) struct Taken {
    pub(super) bot_id: BotId,
    pub(super) admission: Admission,
    pub(super) trace: Option<Place>,
    pub(super) order: Order,
    /// The bridge that the call belongs to, where it is not the worker's own.
    pub(super) bridge_url: Option<String>,
    /// Ours, of a telephone call.
    pub(super) from_number: Option<String>,
}

/// Run it, from now on by itself.
pub(super) fn start(app: Arc<App>, livekit: Arc<LiveKit>, taken: Taken) {
    let Taken { bot_id, admission, trace, order, bridge_url, from_number } = taken;
    let bridge = bridge_url.as_ref().map_or_else(|| app.bridge.clone(), |url| app.bridge.at(url));
    let traits = order.traits();
    let (session_id, info) = (order.session_id.clone(), Box::new(order.info.clone()));
    let ordered = Some(Ordered { session_id, bridge_url, from_number, info });
    let (ends, line) = Line::new(livekit, bridge, order);
    let presented = Presented::default();
    let incoming = Incoming { bot_id, ticket: None, presented, trace, ends, traits, admission, ordered };
    tokio::spawn(async move {
        let call = tokio::spawn(life::run(app, incoming));
        line.run().await;
        if let Err(error) = call.await {
            tracing::error!(%error, "a call's task broke off");
        }
    });
}

/// 422 for what a field may not be.
pub(super) fn invalid(field: &str, why: &str) -> Refusal {
    Box::new(error_saying(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &format!("{field} {why}")))
}

/// A room's name.
pub(super) fn room(name: String) -> Result<String, Refusal> {
    let is_name =
        !name.trim().is_empty() && name.chars().count() <= MAX_ROOM && !name.contains(char::is_control);
    if is_name { Ok(name) } else { Err(invalid("room_name", "must have 1 to 256 characters")) }
}

pub(super) fn bot_id(text: &str) -> Result<BotId, Refusal> {
    text.parse().map_err(|fault: vox_shared::ids::BadId| invalid("bot_id:", &fault.to_string()))
}

/// A caller's name as it is told further.
fn caller(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CALLER).collect()
}

/// A number by the contract's rules.
pub(super) fn number(field: &str, text: &str) -> Result<Number, Refusal> {
    text.parse().map_err(|fault: vox_shared::phone::BadNumber| invalid(field, &fault.to_string()))
}

/// The address of another bridge, without a '/' at the end. Whoever names it has the secret that is sent there.
pub(super) fn config_url(text: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || invalid("config_url", "must be the address of a bridge: https://bridge.example");
    let url = Url::parse(&text).ok().filter(|_| text.len() <= MAX_URL).ok_or_else(wrong)?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.has_host();
    if !is_plain || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// What the call goes by: what the campaign calls it, or a new id.
pub(super) fn session_id(event: &Map<String, Value>) -> SessionId {
    let campaigns = event.get("_campaign_session_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    campaigns.unwrap_or_else(SessionId::generate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_bridge_is_an_address_and_nothing_else() {
        let url = |text: &str| config_url(Some(text.to_owned())).map_err(|answer| answer.status());
        assert_eq!(url("https://b.example/").unwrap().as_deref(), Some("https://b.example"));
        assert_eq!(url("http://10.0.0.5:8080/vox").unwrap().as_deref(), Some("http://10.0.0.5:8080/vox"));
        for wrong in [
            "",
            "b.example",
            "ftp://b.example",
            "https://u:p@b.example",
            "https://b.example?x=1",
            "file:///x",
        ] {
            assert_eq!(url(wrong), Err(StatusCode::UNPROCESSABLE_ENTITY), "{wrong}");
        }
        assert_eq!(url(&format!("https://{}", "b".repeat(600))), Err(StatusCode::UNPROCESSABLE_ENTITY));
    }

    #[test]
    fn a_campaign_names_its_calls() {
        let event = serde_json::json!({"_campaign_session_id": "call_of_campaign"});
        assert_eq!(session_id(event.as_object().unwrap()).as_str(), "call_of_campaign");
        assert!(session_id(&Map::new()).as_str().starts_with("call_"));
    }
}
