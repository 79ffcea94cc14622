//! Exotel's request to place a call, as strict as its documentation: the path with the account, basic authentication, a form with the
//! fields it knows and no other, an E.164 number, a stream of `wss://` or a flow. It misbehaves on command, in the manners of
//! [`crate::receiver`].

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::door::{Desk, Door};
use crate::receiver::{Manner, answer};

/// The fields of the form that this server knows.
const FIELDS: [&str; 7] = ["From", "CallerId", "StreamUrl", "StreamType", "Url", "TimeLimit", "TimeOut"];
/// Longest call, seconds.
const MAX_SECONDS: u32 = 14_400;
/// Longest address, bytes.
const MAX_URL_BYTES: usize = 600;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub fields: BTreeMap<String, String>,
    /// What it was refused for.
    pub faults: Vec<String>,
}

/// The server; dropping it frees the port.
pub struct ScriptedExotel {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    account: String,
    credentials: String,
    manner: Manner,
    asked: Vec<Asked>,
}

impl ScriptedExotel {
    /// On a free port of loopback, for one account.
    pub async fn start(account: &str, key: &str, token: &str) -> std::io::Result<Self> {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{key}:{token}")));
        let inner =
            Inner { account: account.to_owned(), credentials, manner: Manner::Take, asked: Vec::new() };
        let door = Door::open(inner, |desk| Router::new().fallback(receive).with_state(desk)).await?;
        Ok(Self { address: door.address, door })
    }

    pub fn url(&self) -> String {
        self.door.url()
    }

    /// Answer so from now on.
    pub fn behave(&self, manner: Manner) {
        self.door.lock().manner = manner;
    }

    /// What came, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.door.lock().asked.clone()
    }
}

async fn receive(
    State(desk): State<Desk<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (asked, manner, number) = {
        let mut inner = desk.lock();
        if header(&headers, "authorization") != Some(inner.credentials.as_str()) {
            return refusal(StatusCode::UNAUTHORIZED, "Authentication failed");
        }
        let path = format!("/v1/Accounts/{}/Calls/connect.json", inner.account);
        if method != Method::POST || uri.path() != path || uri.query().is_some() {
            return refusal(StatusCode::NOT_FOUND, "no such resource");
        }
        let asked = checked(&headers, &body);
        inner.asked.push(asked.clone());
        (asked, inner.manner.clone(), inner.asked.len())
    };
    if let Some(fault) = asked.faults.first() {
        return refusal(StatusCode::BAD_REQUEST, fault);
    }
    match manner {
        Manner::Take => {
            let call = json!({
                "Sid": format!("sid{number}"), "Status": "in-progress", "To": asked.fields["CallerId"],
                "From": asked.fields["From"], "Direction": "outbound-api",
            });
            Json(json!({"Call": call})).into_response()
        }
        manner => answer(manner).await,
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let told = json!({"RestException": {"Status": status.as_u16(), "Message": message}});
    (status, Json(told)).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn checked(headers: &HeaderMap, body: &Bytes) -> Asked {
    let mut faults = Vec::new();
    if header(headers, "content-type") != Some("application/x-www-form-urlencoded") {
        faults.push("the body is no form".to_owned());
    }
    let mut fields = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if !FIELDS.contains(&name.as_ref()) {
            faults.push(format!("unknown field {name}"));
        }
        if fields.insert(name.to_string(), value.into_owned()).is_some() {
            faults.push(format!("{name} twice"));
        }
    }
    let has =
        |name: &str, is_good: &dyn Fn(&str) -> bool| fields.get(name).is_some_and(|value| is_good(value));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = |text: &str| text.parse::<u32>().is_ok_and(|seconds| (1..=MAX_SECONDS).contains(&seconds));
    if !has("From", &|text| text.strip_prefix('+').is_some_and(digits)) {
        faults.push("From is no E.164 number".into());
    }
    if !has("CallerId", &|text| digits(text.trim_start_matches('+'))) {
        faults.push("CallerId is no number".into());
    }
    for name in ["TimeLimit", "TimeOut"] {
        if fields.contains_key(name) && !has(name, &seconds) {
            faults.push(format!("{name} is no time"));
        }
    }
    let is_stream = has("StreamUrl", &|url| url.starts_with("wss://") && url.len() <= MAX_URL_BYTES)
        && has("StreamType", &|kind| kind == "bidirectional");
    let is_flow = has("Url", &|url| url.starts_with("http") && url.contains("/exoml/start_voice/"));
    if is_stream == is_flow {
        faults.push("neither a stream nor a flow, or both".into());
    }
    Asked { fields, faults }
}
