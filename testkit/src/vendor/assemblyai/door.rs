//! The HTTP side: who may open a session, and what a refusal looks like.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use super::{
    messages::Tongue,
    query::Wanted,
    script::Script,
    session::{Objection, Session},
};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::{Ask, Record, Shared},
    observe::Ending,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/v3/ws", get(listen)).route("/v3/token", get(token)).with_state(app)
}

async fn listen(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let (script, id) = (app.script(), app.new_id());
    let (kept, clock) = (Arc::clone(&script), app.clock.clone());
    let knock = Knock { uri, wire, headers, upgrade };
    let run = move |line, wanted| async move {
        Session::new(line, kept).run(wanted, (&id, clock.now().as_second())).await;
    };
    answer(&app, knock, &Tongue, |asked| admit(asked, &script), run).await
}

/// The scripted refusal, the key, the parameters. Of the last two the vendor speaks after the handshake.
fn admit(asked: &Asked<'_>, script: &Script) -> Result<Result<Wanted, Objection>, Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    if !has_key(asked.headers, script) {
        asked.record.violation("wrong or missing credentials");
        if script.refuses_in_handshake {
            return Err(refused(401));
        }
        return Ok(Err((1008, "Unauthorized Connection: Missing or invalid API key".into())));
    }
    Ok(Wanted::parse(asked.query).map_err(|reason| {
        asked.record.violation(format!("refused query: {reason}"));
        (3006, format!("Invalid parameter: {reason}"))
    }))
}

/// The key stands there without a word before it.
fn has_key(headers: &HeaderMap, script: &Script) -> bool {
    bearer(headers, "authorization", "") == Some(script.api_key.as_str())
}

fn refused(status: u16) -> Refused {
    let message = match status {
        401 => "Invalid API key",
        402 => "Insufficient account balance",
        403 => "Your account may not use this model",
        429 => "Too many concurrent sessions",
        503 => "Service is temporarily unavailable",
        _ => "Internal server error",
    };
    Refused { status, body: json!({"error": message}) }
}

/// A temporary token.
async fn token(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let ask = Ask::new(&uri, wire);
    let seconds =
        ask.query.iter().find(|(name, _)| name == "expires_in_seconds").map(|(_, value)| value.clone());
    let mut record = app.begin_uncounted(ask);
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    match grant(&record, &headers, &app.script(), seconds.as_deref()) {
        Ok(seconds) => {
            record.status(200);
            record.ended(Ending::Answered);
            axum::Json(json!({"token": app.new_id(), "expires_in_seconds": seconds})).into_response()
        }
        Err(refused) => refused.respond(&record),
    }
}

fn grant(
    record: &Record,
    headers: &HeaderMap,
    script: &Script,
    seconds: Option<&str>,
) -> Result<u32, Refused> {
    if let Some(status) = record.faults.status {
        return Err(refused(status));
    }
    if !has_key(headers, script) {
        record.violation("wrong or missing credentials");
        return Err(refused(401));
    }
    let seconds = seconds.and_then(|text| text.parse().ok()).filter(|seconds| (1..=600).contains(seconds));
    seconds.ok_or_else(|| {
        record.violation("expires_in_seconds must be from 1 to 600");
        Refused { status: 400, body: json!({"error": "expires_in_seconds must be between 1 and 600"}) }
    })
}
