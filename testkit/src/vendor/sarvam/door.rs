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
    query::{Realtime, Streaming},
    realtime,
    script::Script,
    streaming,
};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::Shared,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/speech-to-text/ws", get(stream))
        .route("/speech-to-text-realtime/ws", get(in_real_time))
        .with_state(app)
}

async fn stream(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let (kept, ids) = (Arc::clone(&script), Arc::clone(&app));
    let admit = |asked: &Asked<'_>| {
        may_enter(asked, &script.api_key)?;
        Streaming::parse(asked.query).map_err(|reason| {
            asked.record.violation(format!("refused query: {reason}"));
            let error = json!({"message": reason, "code": "invalid_request_error", "request_id": "scripted"});
            Refused { status: 400, body: json!({ "error": error }) }
        })
    };
    let run = move |line, wanted| streaming::Session::new(line, kept, wanted).run(move || ids.new_id());
    let knock = Knock { uri, wire, headers, upgrade };
    answer(&app, knock, &streaming::Tongue, admit, run).await
}

/// Of the parameters the vendor speaks after the handshake.
async fn in_real_time(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let (kept, id) = (Arc::clone(&script), app.new_id());
    let admit = |asked: &Asked<'_>| {
        may_enter(asked, &script.api_key)?;
        Ok(Realtime::parse(asked.query)
            .inspect_err(|reason| asked.record.violation(format!("refused query: {reason}"))))
    };
    let run = move |line, wanted| realtime::run(line, kept, (wanted, id));
    let knock = Knock { uri, wire, headers, upgrade };
    answer(&app, knock, &realtime::Tongue, admit, run).await
}

/// The scripted refusal, then the key.
fn may_enter(asked: &Asked<'_>, key: &str) -> Result<(), Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    if bearer(asked.headers, "api-subscription-key", "") == Some(key) {
        return Ok(());
    }
    asked.record.violation("wrong or missing credentials");
    Err(refused(403))
}

fn refused(status: u16) -> Refused {
    let (code, message) = match status {
        401 | 403 => ("invalid_api_key_error", "Invalid API key"),
        402 => ("insufficient_quota_error", "No credits left"),
        429 => ("rate_limit_exceeded_error", "Too many requests"),
        _ => ("internal_server_error", "Internal server error"),
    };
    Refused { status, body: json!({"error": {"message": message, "code": code, "request_id": "scripted"}}) }
}
