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

use super::{
    script::Script,
    session::{Session, Tongue},
};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::Shared,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// Versions whose errors are objects, which is all that this server knows.
const VERSIONS: [&str; 2] = ["2026-03-01", "2026-08-14"];

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/tts/websocket", get(speak)).with_state(app)
}

async fn speak(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let key = script.api_key.clone();
    let knock = Knock { uri, wire, headers, upgrade };
    let run = move |line, version| Session::new(line, script, version).run();
    answer(&app, knock, &Tongue, |asked| admit(asked, &key), run).await
}

/// The scripted refusal, then the key, then the version.
fn admit(asked: &Asked<'_>, key: &str) -> Result<&'static str, Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    let old_form = || asked.headers.get("x-api-key").and_then(|value| value.to_str().ok());
    if bearer(asked.headers, "authorization", "Bearer ").or_else(old_form) != Some(key) {
        asked.record.violation("wrong or missing credentials");
        return Err(refused(401));
    }
    let in_query = asked.query.iter().find(|(name, _)| name == "cartesia_version");
    for (name, _) in asked.query.iter().filter(|(name, _)| name != "cartesia_version") {
        asked.record.violation(format!("unknown query parameter '{name}'"));
    }
    let in_header = || asked.headers.get("cartesia-version").and_then(|value| value.to_str().ok());
    let version = in_query.map(|(_, value)| value.as_str()).or_else(in_header);
    VERSIONS.into_iter().find(|known| version == Some(known)).ok_or_else(|| {
        asked.record.violation("no version that this server knows");
        refused(400)
    })
}

fn refused(status: u16) -> Refused {
    let (code, title) = match status {
        400 => ("invalid_version", "Invalid version"),
        401 => ("unauthorized", "Invalid API key"),
        402 => ("quota_exceeded", "Credit limit reached"),
        403 => ("forbidden", "Not allowed"),
        429 => ("concurrency_limited", "Too many concurrent requests"),
        _ => ("internal_error", "Internal server error"),
    };
    let body = json!({"error_code": code, "title": title, "message": "Scripted.", "request_id": "scripted"});
    Refused { status, body }
}
