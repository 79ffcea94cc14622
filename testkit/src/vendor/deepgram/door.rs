//! The HTTP side: who may open a session, and what a refusal looks like.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{events::Tongue, query::Wanted, script::Script, session::Session};
use crate::vendor::{
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared, add_retry_after},
    line::Line,
    observe::Ending,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// Every route of the vendor that is served.
pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/v1/listen", get(listen))
        .route("/v1/projects", get(projects))
        .route("/v1/auth/token", get(projects))
        .with_state(app)
}

async fn listen(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let ask = Ask::new(&uri, wire);
    let query = ask.query.clone();
    let mut record = app.begin(ask);
    let request_id = app.new_id();
    record.before_head().await;
    let script = app.script();
    let wanted = match admit(&record, &headers, &script.api_key).and_then(|()| parse(&record, &query)) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal.respond(&record, &request_id),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) => {
            record.violation("GET /v1/listen without a WebSocket upgrade");
            return Refusal::bad("Expected a WebSocket upgrade request.").respond(&record, &request_id);
        }
    };
    record.status(101);
    let (id, model_uuid) = (request_id.clone(), app.new_id());
    let mut response = upgrade.protocols(["token", "bearer"]).max_message_size(MAX_CLIENT_BYTES).on_upgrade(
        move |socket| async move {
            let line = Line::new(socket, record, &Tongue);
            Session::new(line, script, wanted, [id, model_uuid]).run(&app.clock).await;
        },
    );
    name_request(response.headers_mut(), &request_id);
    response
}

/// The key check: the projects a key belongs to.
async fn projects(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let mut record = app.begin_uncounted(Ask::new(&uri, wire));
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let request_id = app.new_id();
    if let Err(refusal) = admit(&record, &headers, &app.script().api_key) {
        return refusal.respond(&record, &request_id);
    }
    record.status(200);
    record.ended(Ending::Answered);
    let project = json!({"project_id": "00000000-0000-4000-8000-000000000001", "name": "scripted"});
    let mut response = axum::Json(json!({"projects": [project]})).into_response();
    name_request(response.headers_mut(), &request_id);
    response
}

fn parse(record: &Record, query: &[(String, String)]) -> Result<Wanted, Refusal> {
    let wanted = Wanted::parse(query).map_err(|reason| {
        record.violation(format!("refused query: {reason}"));
        Refusal::bad(&reason)
    })?;
    for name in &wanted.unknown {
        record.violation(format!("unknown query parameter '{name}'"));
    }
    Ok(wanted)
}

/// The scripted refusal, then the key.
fn admit(record: &Record, headers: &HeaderMap, key: &str) -> Result<(), Refusal> {
    if let Some(status) = record.faults.status {
        return Err(Refusal::scripted(status));
    }
    if offered_key(headers).is_some_and(|offered| offered == key) {
        return Ok(());
    }
    record.violation("wrong or missing credentials");
    Err(Refusal::new(401, "INVALID_AUTH", "Invalid credentials."))
}

/// `Authorization: Token K`, or the WebSocket protocols `token, K`. `Bearer` is for temporary tokens, which are not scripted.
fn offered_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("token").then_some(key.trim());
    }
    let (scheme, key) = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?.split_once(',')?;
    (scheme.trim() == "token").then_some(key.trim())
}

/// An answer other than the upgrade.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.to_owned() }
    }

    fn bad(reason: &str) -> Self {
        Self::new(400, "Bad Request", &format!("Bad Request: {reason}"))
    }

    fn scripted(status: u16) -> Self {
        let (code, message) = match status {
            401 => ("INVALID_AUTH", "Invalid credentials."),
            402 => ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request."),
            403 => ("INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions."),
            429 => ("TOO_MANY_REQUESTS", "Too many requests. Please try again later"),
            503 => ("SERVICE_UNAVAILABLE", "Service is temporarily unavailable."),
            _ => ("INTERNAL_SERVER_ERROR", "Internal server error."),
        };
        Self::new(status, code, message)
    }

    fn respond(self, record: &Record, request_id: &str) -> Response {
        record.status(self.status.as_u16());
        record.ended(Ending::Answered);
        let body: Value = json!({"err_code": self.code, "err_msg": self.message, "request_id": request_id});
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        name_request(headers, request_id);
        if let Ok(error) = HeaderValue::from_str(&self.message) {
            headers.insert("dg-error", error);
        }
        add_retry_after(headers, &record.faults);
        response
    }
}

fn name_request(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("dg-request-id", id);
    }
}
