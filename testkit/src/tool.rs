//! A server of a bot's tool, as strict as a careful one: it wants its key with every request, JSON where there is a body, and an
//! `idempotency-key`. It misbehaves on command.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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

/// The server; dropping it frees the port.
pub struct ScriptedTool {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    task: JoinHandle<()>,
}

struct Inner {
    key: String,
    manner: Manner,
    next: VecDeque<Manner>,
    asked: Vec<Asked>,
    /// Requests that are being answered.
    open: usize,
}

/// Counts a request while it is answered, and no longer when its client has gone.
struct Open(Arc<Mutex<Inner>>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScriptedTool {
    /// On a free port of loopback. It answers so to who has `key` as a bearer token.
    pub async fn start(key: &str, manner: Manner) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (next, asked) = (VecDeque::new(), Vec::new());
        let inner = Arc::new(Mutex::new(Inner { key: key.into(), manner, next, asked, open: 0 }));
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
        lock(&self.inner).manner = manner;
    }

    /// Answer the next request so, after those that were said before.
    pub fn then(&self, manner: Manner) {
        lock(&self.inner).next.push_back(manner);
    }

    /// What came, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.inner).asked.clone()
    }

    /// Requests that wait for their answer.
    pub fn open(&self) -> usize {
        lock(&self.inner).open
    }
}

impl Drop for ScriptedTool {
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
    let manner = {
        let mut inner = lock(&inner);
        let asked = checked(&inner.key, (&method, &uri, &headers), &body);
        let faults = asked.faults.clone();
        inner.asked.push(asked);
        inner.open += 1;
        match faults.is_empty() {
            true => inner.next.pop_front().unwrap_or_else(|| inner.manner.clone()),
            false => Manner::Refuse(400, faults.into()),
        }
    };
    let open = Open(inner);
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
    if idempotency_key.is_none() {
        faults.push("no idempotency-key".into());
    }
    let (method, path) = (method.to_string(), uri.to_string());
    Asked { method, path, idempotency_key, body: parsed.unwrap_or_default(), faults }
}
