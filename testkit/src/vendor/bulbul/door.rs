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
    config::Wanted,
    script::Script,
    session::{Session, Tongue},
};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::Shared,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

const MODELS: [&str; 3] = ["bulbul:v2", "bulbul:v3", "bulbul:v4-flash"];

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/text-to-speech/ws", get(speak)).with_state(app)
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
    let run = move |line, wanted| Session::new(line, script, wanted).run();
    answer(&app, knock, &Tongue, |asked| admit(asked, &key), run).await
}

/// The scripted refusal, then the key, then the query.
fn admit(asked: &Asked<'_>, key: &str) -> Result<Wanted, Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    // The vendor's documents say 403 for a wrong key.
    if bearer(asked.headers, "api-subscription-key", "") != Some(key) {
        asked.record.violation("wrong or missing credentials");
        return Err(refused(403));
    }
    let first = |name: &str| asked.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    for (name, _) in
        asked.query.iter().filter(|(name, _)| !matches!(&**name, "model" | "send_completion_event"))
    {
        asked.record.violation(format!("unknown query parameter '{name}'"));
    }
    let model = first("model").unwrap_or("bulbul:v2").to_owned();
    if !MODELS.contains(&model.as_str()) {
        asked.record.violation(format!("no such model: {model}"));
        return Err(refused(422));
    }
    Ok(Wanted { model, tells_end: first("send_completion_event") == Some("true") })
}

fn refused(status: u16) -> Refused {
    let (code, message) = match status {
        401 => ("authentication_error", "Authentication failed."),
        402 => ("insufficient_quota_error", "No credits left."),
        403 => ("invalid_api_key_error", "Invalid API key."),
        422 => ("unprocessable_entity_error", "The request cannot be processed."),
        429 => ("rate_limit_exceeded_error", "Rate limit exceeded."),
        _ => ("internal_server_error", "Something went wrong."),
    };
    Refused { status, body: json!({"error": {"message": message, "code": code, "request_id": "scripted"}}) }
}
