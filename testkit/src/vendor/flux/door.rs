//! The HTTP side: who may open a session, and what a refusal looks like.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use super::{messages::Tongue, query::Wanted, script::Script, session::Session};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::{Ask, Shared},
    observe::Ending,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/v2/listen", get(listen)).route("/v1/projects", get(projects)).with_state(app)
}

async fn listen(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let (script, id) = (app.script(), app.new_id());
    let key = script.api_key.clone();
    let knock = Knock { uri, wire, headers, upgrade };
    let request_id = id.clone();
    let run = move |line, wanted| Session::new(line, script, (wanted, request_id)).run();
    let mut response = answer(&app, knock, &Tongue, |asked| admit(asked, &key), run).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("dg-request-id", id);
    }
    response
}

/// The scripted refusal, the key, the parameters.
fn admit(asked: &Asked<'_>, key: &str) -> Result<Wanted, Refused> {
    may_enter(asked, key)?;
    Wanted::parse(asked.query).map_err(|reason| {
        asked.record.violation(format!("refused query: {reason}"));
        Refused {
            status: 400,
            body: json!({"err_code": "Bad Request", "err_msg": format!("Bad Request: {reason}")}),
        }
    })
}

fn may_enter(asked: &Asked<'_>, key: &str) -> Result<(), Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    if bearer(asked.headers, "authorization", "Token ") == Some(key) {
        return Ok(());
    }
    asked.record.violation("wrong or missing credentials");
    Err(refused(401))
}

fn refused(status: u16) -> Refused {
    let (code, message) = match status {
        401 => ("INVALID_AUTH", "Invalid credentials."),
        402 => ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request."),
        403 => ("INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions."),
        429 => ("TOO_MANY_REQUESTS", "Too many requests. Please try again later"),
        _ => ("INTERNAL_SERVER_ERROR", "Internal server error."),
    };
    Refused { status, body: json!({"err_code": code, "err_msg": message, "request_id": "scripted"}) }
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
    let asked = Asked { record: &record, headers: &headers, query: &[] };
    if let Err(refused) = may_enter(&asked, &app.script().api_key) {
        return refused.respond(&record);
    }
    record.status(200);
    record.ended(Ending::Answered);
    let project = json!({"project_id": "00000000-0000-4000-8000-000000000001", "name": "scripted"});
    axum::Json(json!({"projects": [project]})).into_response()
}
