//! The call-control APIs of Twilio, Plivo, Telnyx and Vonage, as strict as their documentation: method, path, credentials, kind of
//! body and every field; what is over is said in each carrier's own way. They misbehave in the manners of [`crate::receiver`].

mod plivo;
mod telnyx;
mod twilio;
mod vonage;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vox_shared::model::bot::Carrier;

use crate::door::{Desk, Door};
use crate::receiver::{Manner, answer};

/// The private key of the one application that the scripted Vonage knows, PEM.
pub const APPLICATION_KEY: &str = include_str!("../keys/application.pem");

/// What a call is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    HangUp,
    /// Dial this number or address; to Plivo the address of the document that says it.
    Transfer(String),
}

/// An order as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub call: String,
    pub wish: Wish,
}

/// Why a request is refused: the status, and the answer's body in the carrier's form.
pub(crate) struct Refusal(StatusCode, Value);

/// A request to be looked at.
pub(crate) struct Asked<'a> {
    method: &'a Method,
    path: Vec<&'a str>,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    account: &'a str,
    secret: &'a str,
}

/// One carrier's server, for one account; dropping it frees the port.
pub struct ScriptedCarrier {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    carrier: Carrier,
    account: String,
    secret: String,
    manner: Manner,
    orders: Vec<Order>,
    over: BTreeSet<String>,
    faults: Vec<String>,
}

impl ScriptedCarrier {
    /// On a free port of loopback. Vonage's secret is looked at as the signature of [`APPLICATION_KEY`].
    pub async fn start(carrier: Carrier, account: &str, secret: &str) -> std::io::Result<Self> {
        let inner = Inner {
            carrier,
            account: account.to_owned(),
            secret: secret.to_owned(),
            manner: Manner::Take,
            orders: Vec::new(),
            over: BTreeSet::new(),
            faults: Vec::new(),
        };
        let door = Door::open(inner, |desk| Router::new().fallback(receive).with_state(desk)).await?;
        Ok(Self { address: door.address, door })
    }

    pub fn url(&self) -> String {
        self.door.url()
    }

    /// Answer so from now on, whatever is right.
    pub fn behave(&self, manner: Manner) {
        self.door.lock().manner = manner;
    }

    /// This call is over: whoever asks for something hears so.
    pub fn end(&self, call: &str) {
        self.door.lock().over.insert(call.to_owned());
    }

    /// The orders that were right, the oldest first.
    pub fn orders(&self) -> Vec<Order> {
        self.door.lock().orders.clone()
    }

    /// What requests were refused for, in words.
    pub fn faults(&self) -> Vec<String> {
        self.door.lock().faults.clone()
    }
}

async fn receive(
    State(desk): State<Desk<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (taken, manner) = {
        let mut inner = desk.lock();
        let (account, secret) = (inner.account.clone(), inner.secret.clone());
        let path = uri.path().split('/').skip(1).collect();
        let asked = Asked {
            method: &method,
            path,
            headers: &headers,
            body: &body,
            account: &account,
            secret: &secret,
        };
        let read = match inner.carrier {
            Carrier::Twilio => twilio::read(&asked),
            Carrier::Plivo => plivo::read(&asked),
            Carrier::Telnyx => telnyx::read(&asked),
            Carrier::Vonage => vonage::read(&asked),
        };
        let read = match uri.query() {
            Some(_) => Err(Refusal(StatusCode::BAD_REQUEST, Value::from("a query where there is none"))),
            None => read,
        };
        let order = match read {
            Ok(order) => order,
            Err(Refusal(status, body)) => {
                inner.faults.push(format!("{method} {}: {status} {body}", uri.path()));
                return (status, Json(body)).into_response();
            }
        };
        let is_over = inner.over.contains(&order.call);
        if order.wish == Wish::HangUp && inner.manner == Manner::Take {
            inner.over.insert(order.call.clone());
        }
        inner.orders.push(order);
        let taken = match inner.carrier {
            Carrier::Twilio => twilio::answer(is_over),
            Carrier::Plivo => plivo::answer(is_over, inner.orders.last()),
            Carrier::Telnyx => telnyx::answer(is_over),
            Carrier::Vonage => vonage::answer(is_over),
        };
        (taken, inner.manner.clone())
    };
    match manner {
        Manner::Take => taken,
        manner => answer(manner).await,
    }
}

impl Asked<'_> {
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether name and password are the account's.
    fn has_basic(&self) -> bool {
        let right = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.account, self.secret)));
        self.header(header::AUTHORIZATION) == Some(&right)
    }

    fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION)?.strip_prefix("Bearer ")
    }

    /// The body as a JSON object, sent as one.
    fn json(&self) -> Option<Value> {
        let is_json = self.header(header::CONTENT_TYPE)? == "application/json";
        let value: Value = serde_json::from_slice(self.body).ok()?;
        (is_json && value.is_object()).then_some(value)
    }
}

/// The headers with which a carrier signs the upgrade to this address; none where it signs nothing.
pub fn signed(carrier: Carrier, secret: &str, url: &str) -> Vec<(&'static str, String)> {
    use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, sign};
    const NONCE: &str = "05429567804466091622";
    let signature = |algorithm, text: &str| {
        STANDARD.encode(sign(&Key::new(algorithm, secret.as_bytes()), text.as_bytes()))
    };
    match carrier {
        Carrier::Twilio => vec![("x-twilio-signature", signature(HMAC_SHA1_FOR_LEGACY_USE_ONLY, url))],
        Carrier::Plivo => vec![
            ("x-plivo-signature-v3", signature(HMAC_SHA256, &format!("{url}.{NONCE}"))),
            ("x-plivo-signature-v3-nonce", NONCE.to_owned()),
        ],
        Carrier::Telnyx | Carrier::Vonage => Vec::new(),
    }
}
