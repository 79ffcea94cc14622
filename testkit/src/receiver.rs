//! A receiver of webhooks that is as strict as a careful developer's: it checks signature, time stamp and id of every message
//! (Standard Webhooks), and misbehaves on command.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::door::{Desk, Door, Manners};

/// Pause between two pieces of a dripping answer.
const DRIP: Duration = Duration::from_millis(200);
/// An oversized answer, bytes.
const OVERSIZED: usize = 1024 * 1024;

/// How it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    Take,
    /// With this status.
    Refuse(u16),
    /// 429, and come back after so many seconds.
    TooMany(u64),
    Redirect(String),
    /// 200 after this long.
    Slow(Duration),
    /// Never answers.
    Silent,
    /// 200, and then a byte now and then without an end.
    Dripping,
    /// 200 with a megabyte.
    Oversized,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: String,
    /// Seconds since 1970, as they were sent.
    pub timestamp: i64,
    pub request_id: String,
    pub body: Value,
    /// What a careful receiver refuses it for; such a message is answered 400 in any manner.
    pub faults: Vec<String>,
}

/// The receiver; dropping it frees the port.
pub struct Receiver {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    /// Any of these may sign; with none the signature is not looked at.
    secrets: Vec<String>,
    manners: Manners<Manner>,
    received: Vec<Received>,
}

impl Receiver {
    /// On a free port of loopback; takes everything that is signed right.
    pub async fn start() -> std::io::Result<Self> {
        let inner =
            Inner { secrets: Vec::new(), manners: Manners::always(Manner::Take), received: Vec::new() };
        let door = Door::open(inner, |desk| Router::new().fallback(receive).with_state(desk)).await?;
        Ok(Self { address: door.address, door })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Take signatures of this secret too.
    pub fn trust(&self, secret: &str) {
        self.door.lock().secrets.push(secret.to_owned());
    }

    /// Trust no secret but this.
    pub fn trust_only(&self, secret: &str) {
        self.door.lock().secrets = vec![secret.to_owned()];
    }

    /// Answer so from now on.
    pub fn behave(&self, manner: Manner) {
        self.door.lock().manners.behave(manner);
    }

    /// Answer the next message so, after those that were said before.
    pub fn then(&self, manner: Manner) {
        self.door.lock().manners.then(manner);
    }

    /// What came, the oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.door.lock().received.clone()
    }

    /// How many came.
    pub fn count(&self) -> usize {
        self.door.lock().received.len()
    }
}

async fn receive(State(desk): State<Desk<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let manner = {
        let mut inner = desk.lock();
        let received = checked(&inner.secrets, &headers, &body);
        let is_good = received.faults.is_empty();
        inner.received.push(received);
        match is_good {
            true => inner.manners.take(),
            false => Manner::Refuse(400),
        }
    };
    answer(manner).await
}

pub(crate) async fn answer(manner: Manner) -> Response {
    match manner {
        Manner::Take => "taken".into_response(),
        Manner::Refuse(status) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), "refused").into_response()
        }
        Manner::TooMany(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Manner::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Manner::Slow(by) => {
            tokio::time::sleep(by).await;
            "taken".into_response()
        }
        Manner::Silent => std::future::pending().await,
        Manner::Dripping => Body::from_stream(stream::unfold((), |()| async {
            tokio::time::sleep(DRIP).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b".")), ()))
        }))
        .into_response(),
        Manner::Oversized => vec![b'x'; OVERSIZED].into_response(),
    }
}

fn checked(secrets: &[String], headers: &HeaderMap, body: &Bytes) -> Received {
    let mut faults = Vec::new();
    let mut text = |name: &str| {
        let found = headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if found.is_none() {
            faults.push(format!("no {name}"));
        }
        found.unwrap_or_default()
    };
    let (id, at, signatures) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
    let (request_id, kind) = (text("x-request-id"), text("content-type"));
    if kind != "application/json" {
        faults.push(format!("content-type {kind}"));
    }
    let timestamp = at.parse().unwrap_or_else(|_| {
        faults.push("the timestamp is no number".into());
        0
    });
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    if !secrets.is_empty() && !secrets.iter().any(|secret| is_signed(secret, &signatures, &signed)) {
        faults.push("the signature is wrong".into());
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if id.is_empty() || body["id"] != id.as_str() {
        faults.push("the id is not the body's".into());
    }
    if !(body["event"].is_string() && body["timestamp"].is_string() && body["data"].is_object()) {
        faults.push("the body is no envelope".into());
    }
    Received { id, timestamp, request_id, body, faults }
}

fn is_signed(secret: &str, signatures: &str, signed: &[u8]) -> bool {
    let Some(key) = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    mac.update(signed);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    signatures.split(' ').any(|one| one.as_bytes().ct_eq(expected.as_bytes()).into())
}
