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

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/stream", get(speak)).with_state(app)
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
    let run = move |line, ()| Session::new(line, script).run();
    answer(&app, knock, &Tongue, |asked| admit(asked, &key), run).await
}

/// The scripted refusal, then the key.
fn admit(asked: &Asked<'_>, key: &str) -> Result<(), Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status));
    }
    if bearer(asked.headers, "authorization", "Bearer ") == Some(key) {
        return Ok(());
    }
    asked.record.violation("wrong or missing credentials");
    Err(refused(401))
}

fn refused(status: u16) -> Refused {
    let body = json!({
        "type": "error", "success": false, "error_name": "ConnectionFailure", "status_code": status, "message": "Scripted."
    });
    Refused { status, body }
}
