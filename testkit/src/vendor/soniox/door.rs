//! The HTTP side: who may open a session, and what a refusal looks like.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};
use serde_json::json;

use super::{script::Script, session::Session, tokens::Tongue};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::Shared,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/transcribe-websocket", get(transcribe)).with_state(app)
}

async fn transcribe(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let key = script.api_key.clone();
    let knock = Knock { uri, wire, headers, upgrade };
    let run = move |line, ()| Session::new(line, script).run();
    answer(&app, knock, &Tongue, |asked| admit(asked, &key), run).await
}

/// The scripted refusal, then the key.
fn admit(asked: &Asked<'_>, key: &str) -> Result<(), Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    if !asked.query.is_empty() {
        asked.record.violation("a query; the settings stand in the first message");
    }
    if bearer(asked.headers, "authorization", "Bearer ") == Some(key) {
        return Ok(());
    }
    asked.record.violation("wrong or missing credentials");
    Err(refused(401))
}

fn refused(status: u16) -> Refused {
    let (word, message) = match status {
        401 => ("unauthenticated", "Incorrect API key provided."),
        402 => ("balance_exhausted", "Organization balance exhausted."),
        403 => ("forbidden", "The API key may not be used here."),
        429 => ("limit_exceeded", "Too many concurrent sessions."),
        503 => ("unavailable", "Service is temporarily unavailable."),
        _ => ("internal_error", "Internal server error."),
    };
    let body = json!({
        "status_code": status, "error_type": word, "message": message, "validation_errors": [], "request_id": "scripted"
    });
    Refused { status, body }
}
