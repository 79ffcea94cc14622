//! A scripted CRM, as strict as a careful one: it wants its key, JSON where there is a body, and an `idempotency-key` with every
//! write. It misbehaves on command, in the manners of [`crate::receiver`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::receiver::{Manner, answer};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query, as it was written on the line.
    pub path: String,
    pub idempotency_key: Option<String>,
    /// Null where there was none.
    pub body: Value,
    /// What it was refused for, with 400.
    pub faults: Vec<String>,
}

/// The CRM; dropping it frees the port.
pub struct ScriptedCrm {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    task: JoinHandle<()>,
}

struct Inner {
    key: String,
    reply: Value,
    next: VecDeque<Manner>,
    manner: Manner,
    asked: Vec<Asked>,
}

impl ScriptedCrm {
    /// On a free port of loopback. It answers `reply` to who has `key` as a bearer token.
    pub async fn start(key: &str, reply: Value) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (next, asked) = (VecDeque::new(), Vec::new());
        let inner = Arc::new(Mutex::new(Inner { key: key.into(), reply, next, manner: Manner::Take, asked }));
        let app = Router::new().fallback(receive).with_state(inner.clone());
        let task = tokio::spawn(async move {
            // It ends when it is dropped.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, inner, task })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answer so from now on.
    pub fn behave(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    /// Answer the next request so, after those that were said before.
    pub fn then(&self, manner: Manner) {
        self.lock().next.push_back(manner);
    }

    /// What came, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ScriptedCrm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (manner, reply) = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = checked(&inner.key, (&method, &uri, &headers), &body);
        let is_good = asked.faults.is_empty();
        inner.asked.push(asked);
        let manner = match is_good {
            true => inner.next.pop_front().unwrap_or_else(|| inner.manner.clone()),
            false => Manner::Refuse(400),
        };
        (manner, inner.reply.clone())
    };
    match manner {
        Manner::Take => Json(reply).into_response(),
        manner => answer(manner).await,
    }
}

fn checked(key: &str, (method, uri, headers): (&Method, &Uri, &HeaderMap), body: &Bytes) -> Asked {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut faults = Vec::new();
    if text("authorization") != Some(format!("Bearer {key}")) {
        faults.push("the key is wrong".to_owned());
    }
    let parsed = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok() };
    if parsed.is_none() || (!body.is_empty() && text("content-type").as_deref() != Some("application/json")) {
        faults.push("the body is no JSON".into());
    }
    let idempotency_key = text("idempotency-key");
    if method != Method::GET && idempotency_key.is_none() {
        faults.push("a write without idempotency-key".into());
    }
    let (method, path) = (method.to_string(), uri.to_string());
    Asked { method, path, idempotency_key, body: parsed.unwrap_or_default(), faults }
}
