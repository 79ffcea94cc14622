//! A server of tools by the Model Context Protocol (streamable HTTP, revision 2025-06-18), as strict as its text: what a client must send
//! with each request is wanted with each request, and what a client may not do is refused. It misbehaves on command.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::door::{Desk, Door, Manners};

/// The revision that is spoken.
pub const REVISION: &str = "2025-06-18";
const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const INITIALIZE: &str = "initialize";
const INITIALIZED: &str = "notifications/initialized";

/// How a call of a tool is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    /// With this result, as JSON.
    Json(Value),
    /// With this result, behind a note and a ping that must be answered, in a stream of events that stays open.
    Events(Value),
    /// With an error of the protocol.
    Error(i64, String),
    /// With this status and no body.
    Refuse(u16),
    /// It knows no session any more; the next call of the same kind is answered so.
    Forget(Value),
    /// Never.
    Silent,
    /// A stream of events that breaks off before the answer.
    Cut,
    /// A result of so many bytes.
    Large(usize),
    /// 200 and a page for a browser.
    Page,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// `DELETE` for the end of a session, and empty for an answer to the server.
    pub method: String,
    pub params: Value,
}

/// The server; dropping it frees the port.
pub struct ScriptedMcp {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    key: String,
    /// The tools, page by page.
    pages: Vec<Vec<Value>>,
    revision: String,
    manners: Manners<Manner>,
    asked: Vec<Asked>,
    faults: Vec<String>,
    sessions: Sessions,
    ids: BTreeSet<u64>,
    pings: u64,
    /// Answers to pings that are waited for.
    unanswered: BTreeSet<u64>,
    open: usize,
}

#[derive(Default)]
struct Sessions {
    count: u64,
    open: Option<String>,
    is_initialized: bool,
}

/// Counts a call while it is answered, and no longer when its client has gone.
struct Open(Desk<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
    }
}

impl ScriptedMcp {
    /// On a free port of loopback, with these pages of tools, for whoever has `key` as a bearer token.
    pub async fn start(key: &str, pages: Vec<Vec<Value>>, manner: Manner) -> std::io::Result<Self> {
        let inner = Inner {
            key: key.into(),
            pages,
            revision: REVISION.into(),
            manners: Manners::always(manner),
            asked: Vec::new(),
            faults: Vec::new(),
            sessions: Sessions::default(),
            ids: BTreeSet::new(),
            pings: 0,
            unanswered: BTreeSet::new(),
            open: 0,
        };
        let door = Door::open(inner, |desk| Router::new().fallback(receive).with_state(desk)).await?;
        Ok(Self { address: door.address, door })
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Answer the next call so, after those that were said before.
    pub fn then(&self, manner: Manner) {
        self.door.lock().manners.then(manner);
    }

    /// Speak this revision of the protocol and no other.
    pub fn speak(&self, revision: &str) {
        self.door.lock().revision = revision.into();
    }

    /// What came, the oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.door.lock().asked.clone()
    }

    /// How often this was asked.
    pub fn count(&self, method: &str) -> usize {
        self.door.lock().asked.iter().filter(|asked| asked.method == method).count()
    }

    /// What clients did that they must not.
    pub fn faults(&self) -> Vec<String> {
        self.door.lock().faults.clone()
    }

    /// Calls that wait for their answer.
    pub fn open(&self) -> usize {
        self.door.lock().open
    }

    /// Pings that nobody answered.
    pub fn unanswered(&self) -> usize {
        self.door.lock().unanswered.len()
    }
}

/// What is to be done about a request.
enum Reply {
    Now(Response),
    Call(u64, Manner, Option<u64>),
}

async fn receive(
    State(desk): State<Desk<Inner>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = desk.lock().read(&method, &headers, &body);
    match reply {
        Reply::Now(response) => response,
        Reply::Call(id, manner, ping) => {
            desk.lock().open += 1;
            let open = Open(desk);
            call(id, manner, ping, open).await
        }
    }
}

impl Inner {
    fn refuse(&mut self, status: StatusCode, fault: impl Into<String>) -> Reply {
        self.faults.push(fault.into());
        Reply::Now(status.into_response())
    }

    fn read(&mut self, method: &Method, headers: &HeaderMap, body: &[u8]) -> Reply {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if text(header::AUTHORIZATION.as_str()) != Some(&format!("Bearer {}", self.key)) {
            return self.refuse(StatusCode::UNAUTHORIZED, "the key is wrong");
        }
        let session = text(SESSION).map(str::to_owned);
        if method == Method::DELETE {
            self.asked.push(Asked { method: "DELETE".into(), params: Value::Null });
            if session.is_none() || session != self.sessions.open {
                return self.refuse(StatusCode::NOT_FOUND, "a session was ended that is none");
            }
            self.sessions.open = None;
            return Reply::Now(StatusCode::OK.into_response());
        }
        if method != Method::POST {
            return Reply::Now(StatusCode::METHOD_NOT_ALLOWED.into_response());
        }
        let accepted = text(header::ACCEPT.as_str()).unwrap_or_default();
        if !accepted.contains("application/json") || !accepted.contains("text/event-stream") {
            return self.refuse(StatusCode::NOT_ACCEPTABLE, "both forms of an answer must be accepted");
        }
        if text(header::CONTENT_TYPE.as_str()) != Some("application/json") {
            return self.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a message must be JSON");
        }
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            return self.refuse(StatusCode::BAD_REQUEST, "a message is no JSON");
        };
        if message["jsonrpc"] != "2.0" {
            return self.refuse(StatusCode::BAD_REQUEST, "a message is no JSON-RPC 2.0");
        }
        let name = message["method"].as_str().unwrap_or_default().to_owned();
        let id = message["id"].as_u64();
        self.asked.push(Asked { method: name.clone(), params: message["params"].clone() });
        if name == INITIALIZE {
            return self.initialize(id, &message["params"]);
        }
        if session.is_none() {
            return self.refuse(StatusCode::BAD_REQUEST, format!("{name}: no session"));
        }
        if session != self.sessions.open {
            // That is no fault of the client's: it learns so that the session is over.
            return Reply::Now(StatusCode::NOT_FOUND.into_response());
        }
        if text(VERSION) != Some(&self.revision) {
            return self
                .refuse(StatusCode::BAD_REQUEST, format!("{name}: not the revision that was agreed on"));
        }
        self.in_session(&name, id, &message)
    }

    fn initialize(&mut self, id: Option<u64>, params: &Value) -> Reply {
        let is_whole = params["protocolVersion"].is_string()
            && params["capabilities"].is_object()
            && params["clientInfo"]["name"].is_string()
            && params["clientInfo"]["version"].is_string();
        let Some(id) = id.filter(|_| is_whole) else {
            return self.refuse(StatusCode::BAD_REQUEST, "initialize: not as the protocol has it");
        };
        // In one session no request has the name of another.
        self.ids = BTreeSet::from([id]);
        self.sessions.count += 1;
        let name = format!("session-{}", self.sessions.count);
        self.sessions.open = Some(name.clone());
        self.sessions.is_initialized = false;
        let result = json!({"protocolVersion": self.revision, "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1"}});
        let mut response = answer(&success(id, result));
        response.headers_mut().insert(SESSION, name.parse().expect("letters and digits"));
        Reply::Now(response)
    }

    fn in_session(&mut self, name: &str, id: Option<u64>, message: &Value) -> Reply {
        let accepted = || Reply::Now(StatusCode::ACCEPTED.into_response());
        match (name, id) {
            (INITIALIZED, None) => {
                self.sessions.is_initialized = true;
                accepted()
            }
            ("notifications/cancelled", None) => match message["params"]["requestId"].as_u64() {
                Some(of) if self.ids.contains(&of) => accepted(),
                _ => self.refuse(StatusCode::BAD_REQUEST, "what was given up was never asked"),
            },
            // An answer of the client's to what it was asked.
            ("", Some(of)) => {
                let is_answer = message.get("result").is_some() || message.get("error").is_some();
                match is_answer && self.unanswered.remove(&of) {
                    true => accepted(),
                    false => self.refuse(StatusCode::BAD_REQUEST, "an answer to nothing"),
                }
            }
            _ if !self.sessions.is_initialized => {
                self.refuse(StatusCode::BAD_REQUEST, format!("{name}: before {INITIALIZED}"))
            }
            (_, Some(id)) if !self.ids.insert(id) => {
                self.refuse(StatusCode::BAD_REQUEST, format!("{name}: the same id twice"))
            }
            ("tools/list", Some(id)) => self.list(id, &message["params"]),
            ("tools/call", Some(id)) => self.call(id, &message["params"]),
            _ => self.refuse(StatusCode::BAD_REQUEST, format!("{name}: there is no such method")),
        }
    }

    fn list(&self, id: u64, params: &Value) -> Reply {
        let place = params["cursor"].as_str().and_then(|cursor| cursor.strip_prefix("page-")?.parse().ok());
        let place: usize = place.unwrap_or_default();
        let mut result = json!({"tools": self.pages.get(place).cloned().unwrap_or_default()});
        if place + 1 < self.pages.len() {
            result["nextCursor"] = format!("page-{}", place + 1).into();
        }
        Reply::Now(answer(&success(id, result)))
    }

    fn call(&mut self, id: u64, params: &Value) -> Reply {
        let is_known = self.pages.iter().flatten().any(|tool| tool["name"] == params["name"]);
        if !is_known || !params["arguments"].is_object() {
            return Reply::Now(answer(&failure(id, -32_602, "unknown tool")));
        }
        match self.manners.take() {
            Manner::Forget(result) => {
                self.sessions.open = None;
                self.ids.remove(&id);
                self.manners.then(Manner::Json(result));
                Reply::Now(StatusCode::NOT_FOUND.into_response())
            }
            Manner::Refuse(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                Reply::Now(status.into_response())
            }
            manner @ Manner::Events(_) => {
                self.pings += 1;
                // Beyond what a client gives its own requests.
                let ping = 1_000_000 + self.pings;
                self.unanswered.insert(ping);
                Reply::Call(id, manner, Some(ping))
            }
            manner => Reply::Call(id, manner, None),
        }
    }
}

fn success(id: u64, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn failure(id: u64, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

fn answer(message: &Value) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], message.to_string()).into_response()
}

fn event(message: &Value) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(format!("event: message\ndata: {message}\n\n")))
}

fn events(body: Body) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn call(id: u64, manner: Manner, ping: Option<u64>, open: Open) -> Response {
    match manner {
        Manner::Json(result) | Manner::Forget(result) => answer(&success(id, result)),
        Manner::Events(result) => {
            let note =
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}});
            let ping = json!({"jsonrpc": "2.0", "id": ping, "method": "ping"});
            let said = stream::iter([&note, &ping, &success(id, result)].map(event));
            // It stays open, as servers may: the client has what it asked for.
            let rest = stream::pending().map(move |never: Infallible| -> Result<Bytes, Infallible> {
                let _open = &open;
                match never {}
            });
            events(Body::from_stream(said.chain(rest)))
        }
        Manner::Error(code, message) => answer(&failure(id, code, &message)),
        Manner::Silent => std::future::pending().await,
        Manner::Cut => {
            let note = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
            events(Body::from_stream(stream::iter([event(&note)])))
        }
        Manner::Large(bytes) => {
            answer(&success(id, json!({"content": [{"type": "text", "text": "x".repeat(bytes)}]})))
        }
        Manner::Page => (StatusCode::OK, [(header::CONTENT_TYPE, "text/html")], "<html>no").into_response(),
        Manner::Refuse(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The result of a tool that says this.
pub fn says(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": false})
}

/// A tool of one argument, a text.
pub fn tool(name: &str, argument: &str) -> Value {
    json!({"name": name, "description": format!("Does {name}."), "inputSchema": {"type": "object", "required": [argument],
        "properties": {argument: {"type": "string"}}}})
}
