//! A server of a bot's tool, as strict as a careful one: it wants its key with every request, JSON where there is a body, and an
//! `idempotency-key`. It misbehaves on command.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::Value;

pub use crate::door::Asked;
use crate::door::{Desk, Door, Manners};

/// Between the beginning of an answer and the end of its connection.
const BEFORE_THE_CUT: Duration = Duration::from_millis(50);

/// How it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    /// 200 and this.
    Json(Value),
    /// 200 and this, which may be no JSON.
    Text(String),
    /// With this status and body.
    Refuse(u16, Value),
    Redirect(String),
    /// 200 and this, after so long.
    Slow(Duration, Value),
    /// Never answers.
    Silent,
    /// 200, some of the body, and then the connection breaks.
    Cut,
    /// 200 with so many bytes.
    Large(usize),
}

/// The server; dropping it frees the port.
pub struct ScriptedTool {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    key: String,
    manners: Manners<Manner>,
    asked: Vec<Asked>,
    /// Requests that are being answered.
    open: usize,
}

/// Counts a request while it is answered, and no longer when its client has gone.
struct Open(Desk<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
    }
}

impl ScriptedTool {
    /// On a free port of loopback. It answers so to who has `key` as a bearer token.
    pub async fn start(key: &str, manner: Manner) -> std::io::Result<Self> {
        let inner = Inner { key: key.into(), manners: Manners::always(manner), asked: Vec::new(), open: 0 };
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

    /// Requests that wait for their answer.
    pub fn open(&self) -> usize {
        self.door.lock().open
    }
}

async fn receive(
    State(desk): State<Desk<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manner = {
        let mut inner = desk.lock();
        let mut asked = Asked::read(&inner.key, (&method, &uri, &headers), &body);
        if asked.idempotency_key.is_none() {
            asked.faults.push("no idempotency-key".into());
        }
        let faults = asked.faults.clone();
        inner.asked.push(asked);
        inner.open += 1;
        match faults.is_empty() {
            true => inner.manners.take(),
            false => Manner::Refuse(400, faults.into()),
        }
    };
    let open = Open(desk);
    let response = answer(manner).await;
    drop(open);
    response
}

async fn answer(manner: Manner) -> Response {
    let json = |status: StatusCode, body: &Value| {
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    match manner {
        Manner::Json(body) => json(StatusCode::OK, &body),
        Manner::Text(text) => text.into_response(),
        Manner::Refuse(status, body) => {
            json(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &body)
        }
        Manner::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Manner::Slow(by, body) => {
            tokio::time::sleep(by).await;
            json(StatusCode::OK, &body)
        }
        Manner::Silent => std::future::pending().await,
        Manner::Cut => {
            let begun = stream::iter([Ok(Bytes::from_static(b"{\"owed\": "))]);
            let broken = stream::once(async {
                // What was written goes out first.
                tokio::time::sleep(BEFORE_THE_CUT).await;
                Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
            });
            Body::from_stream(begun.chain(broken)).into_response()
        }
        Manner::Large(bytes) => {
            let pieces =
                stream::iter((0..bytes.div_ceil(1_024)).map(|_| Ok::<_, Infallible>(vec![b'x'; 1_024])));
            Body::from_stream(pieces).into_response()
        }
    }
}
