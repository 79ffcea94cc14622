//! A scripted worker for those who place calls and hand them over: it takes `POST /livekit/dialout`, `/livekit/dispatch` and
//! `/livekit/widget` as strictly as the contract has them (section 3.5), keeps what it was asked, and refuses, hangs, lies or cuts when it
//! is told to.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use vox_shared::ids::SessionId;
use vox_shared::phone::Number;
use vox_shared::wire::SECRET_HEADER;

use crate::door::{Desk, Door};

/// What the worker answers to an order that is well made.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// It takes the call.
    Accepted,
    /// It refuses with this status and `{"error": …}`, and has done nothing.
    Refused(u16, &'static str),
    /// 200 with this text.
    Text(String),
    /// The head of a good answer, and then the connection is cut.
    Cut,
    /// Nothing, for as long as the client waits.
    Silence,
}

/// A worker that listens on loopback until it is dropped.
pub struct ScriptedWorker(Door<Log>);

struct Log {
    secret: String,
    says: Says,
    orders: Vec<Value>,
    handed: Vec<(&'static str, Value)>,
    accepted: Vec<(SessionId, Value)>,
    faults: Vec<String>,
}

impl ScriptedWorker {
    /// Start on a free port; `secret` is what callers must show.
    ///
    /// # Panics
    /// When loopback has no free port, which leaves a test nothing to do.
    pub async fn start(secret: &str) -> Self {
        let log = Log {
            secret: secret.to_owned(),
            says: Says::Accepted,
            orders: Vec::new(),
            handed: Vec::new(),
            accepted: Vec::new(),
            faults: Vec::new(),
        };
        let routes = |desk| {
            Router::new()
                .route("/livekit/dialout", post(dialout))
                .route(
                    DISPATCH,
                    post(async |desk, headers, body| handed::<Dispatch>(DISPATCH, desk, headers, body).await),
                )
                .route(
                    WIDGET,
                    post(async |desk, headers, body| handed::<Widget>(WIDGET, desk, headers, body).await),
                )
                .with_state(desk)
        };
        Self(Door::open(log, routes).await.expect("loopback has a free port"))
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Change what it says to orders from now on.
    pub fn says(&self, says: Says) {
        self.0.lock().says = says;
    }

    /// The orders that were well made, in turn, whatever it said to them.
    pub fn orders(&self) -> Vec<Value> {
        self.0.lock().orders.clone()
    }

    /// What it was handed at a path, `/livekit/dispatch` or `/livekit/widget`, and that was well made, in turn, whatever it said to it.
    pub fn handed(&self, path: &str) -> Vec<Value> {
        let handed = self.0.lock().handed.clone();
        handed.into_iter().filter(|(at, _)| *at == path).map(|(_, body)| body).collect()
    }

    /// The orders that it took, by the id that it gave the call: whoever has a telephone rings it now.
    pub fn accepted(&self) -> Vec<(SessionId, Value)> {
        self.0.lock().accepted.clone()
    }

    /// What was wrong with the others.
    pub fn faults(&self) -> Vec<String> {
        self.0.lock().faults.clone()
    }
}

/// The body of the contract and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the decoder alone, which checks them")]
struct Order {
    bot_id: String,
    to_number: String,
    from_number: Option<String>,
    connected_event: Option<Map<String, Value>>,
    config_url: Option<String>,
}

const DISPATCH: &str = "/livekit/dispatch";
const WIDGET: &str = "/livekit/widget";

/// A call from outside, as the contract has it and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the decoder alone, which checks them")]
struct Dispatch {
    room_name: String,
    caller_number: String,
    dialed_number: String,
    call_id: Option<SessionId>,
    config_url: Option<String>,
}

/// A visitor, as the contract has it and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the decoder alone, which checks them")]
struct Widget {
    bot_id: String,
    room_name: String,
    caller_id: Option<String>,
    config_url: Option<String>,
}

async fn handed<T: DeserializeOwned>(
    path: &'static str,
    State(desk): State<Desk<Log>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let secret = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if secret != Some(desk.lock().secret.as_str()) {
        return refuse(&desk, StatusCode::FORBIDDEN, "forbidden", "the secret is missing or wrong".into());
    }
    let read = serde_json::from_slice::<T>(&body).and_then(|_| serde_json::from_slice::<Value>(&body));
    match read {
        Err(fault) => refuse(&desk, StatusCode::UNPROCESSABLE_ENTITY, "bad_body", fault.to_string()),
        Ok(body) => {
            let told = body.get("call_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let says = {
                let mut log = desk.lock();
                log.handed.push((path, body));
                log.says.clone()
            };
            answer(says, &told.unwrap_or_else(SessionId::generate)).await
        }
    }
}

async fn dialout(State(desk): State<Desk<Log>>, headers: HeaderMap, body: Bytes) -> Response {
    let secret = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if secret != Some(desk.lock().secret.as_str()) {
        return refuse(&desk, StatusCode::FORBIDDEN, "forbidden", "the secret is missing or wrong".into());
    }
    match check(&body) {
        Err(fault) => refuse(&desk, StatusCode::UNPROCESSABLE_ENTITY, "bad_body", fault),
        Ok(order) => {
            let call = SessionId::generate();
            let says = {
                let mut log = desk.lock();
                log.orders.push(order.clone());
                if log.says == Says::Accepted {
                    log.accepted.push((call.clone(), order));
                }
                log.says.clone()
            };
            answer(says, &call).await
        }
    }
}

fn check(body: &[u8]) -> Result<Value, String> {
    let order: Order = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for number in [Some(&order.to_number), order.from_number.as_ref()].into_iter().flatten() {
        let read: Number = number.parse().map_err(|error| format!("{number} {error}"))?;
        if read.as_str() != number {
            return Err(format!("{number} is dialled as {read}"));
        }
    }
    let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    if !order.config_url.as_ref().is_none_or(is_url) {
        return Err("config_url is no address".into());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn refuse(desk: &Desk<Log>, status: StatusCode, error: &str, fault: String) -> Response {
    desk.lock().faults.push(fault);
    (status, Json(json!({"error": error}))).into_response()
}

async fn answer(says: Says, call: &SessionId) -> Response {
    match says {
        Says::Accepted => {
            let room = format!("dialout-{}", SessionId::generate());
            Json(json!({"status": "accepted", "call_id": call, "room_name": room})).into_response()
        }
        Says::Refused(status, error) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(json!({"error": error}))).into_response()
        }
        Says::Text(text) => text.into_response(),
        Says::Cut => {
            let cut =
                futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(cut)).into_response()
        }
        Says::Silence => std::future::pending().await,
    }
}
