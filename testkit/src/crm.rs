//! A scripted CRM, as strict as a careful one: it wants its key, JSON where there is a body, and an `idempotency-key` with every
//! write. It misbehaves on command, in the manners of [`crate::receiver`].

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::Value;

pub use crate::door::Asked;
use crate::door::{Desk, Door, Manners};
use crate::receiver::{Manner, answer};

/// The CRM; dropping it frees the port.
pub struct ScriptedCrm {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    key: String,
    reply: Value,
    manners: Manners<Manner>,
    asked: Vec<Asked>,
}

impl ScriptedCrm {
    /// On a free port of loopback. It answers `reply` to who has `key` as a bearer token.
    pub async fn start(key: &str, reply: Value) -> std::io::Result<Self> {
        let inner =
            Inner { key: key.into(), reply, manners: Manners::always(Manner::Take), asked: Vec::new() };
        let door = Door::open(inner, |desk| Router::new().fallback(receive).with_state(desk)).await?;
        Ok(Self { address: door.address, door })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answer so from now on.
    pub fn behave(&self, manner: Manner) {
        self.door.lock().manners.behave(manner);
    }

    /// Answer the next request so, after those that were said before.
    pub fn then(&self, manner: Manner) {
        self.door.lock().manners.then(manner);
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
    let (manner, reply) = {
        let mut inner = desk.lock();
        let mut asked = Asked::read(&inner.key, (&method, &uri, &headers), &body);
        if method != Method::GET && asked.idempotency_key.is_none() {
            asked.faults.push("a write without idempotency-key".into());
        }
        let is_good = asked.faults.is_empty();
        inner.asked.push(asked);
        let manner = match is_good {
            true => inner.manners.take(),
            false => Manner::Refuse(400),
        };
        (manner, inner.reply.clone())
    };
    match manner {
        Manner::Take => Json(reply).into_response(),
        manner => answer(manner).await,
    }
}
