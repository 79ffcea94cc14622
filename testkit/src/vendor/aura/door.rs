//! The HTTP side: who may open a session, and what a refusal looks like.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, Uri},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::{
    query::{AURA, FLUX, Rules, Wanted},
    script::Script,
    session::Session,
    turns::Turns,
};
use crate::vendor::{
    handshake::{Asked, Knock, Refused, answer, bearer},
    host::Shared,
    lies::Dialect,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/v1/speak", get(aura)).route("/v2/speak", get(flux)).with_state(app)
}

async fn aura(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let (key, id) = (script.api_key.clone(), app.new_id());
    let knock = Knock { uri, wire, headers, upgrade };
    let run = move |line, wanted| Session::new(line, script, wanted).run(id);
    answer(&app, knock, &Tongue, |asked| admit(asked, &key, &AURA), run).await
}

async fn flux(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let script = app.script();
    let (key, id) = (script.api_key.clone(), app.new_id());
    let knock = Knock { uri, wire, headers, upgrade };
    let run = move |line, wanted| Turns::new(line, script, wanted).run(id);
    answer(&app, knock, &Tongue, |asked| admit(asked, &key, &FLUX), run).await
}

/// The scripted refusal, then the key, then the query.
fn admit(asked: &Asked<'_>, key: &str, rules: &Rules) -> Result<Wanted, Refused> {
    if let Some(status) = asked.record.faults.status {
        return Err(refused(status, "Scripted."));
    }
    if bearer(asked.headers, "authorization", "Token ") != Some(key) {
        asked.record.violation("wrong or missing credentials");
        return Err(refused(401, "Invalid credentials."));
    }
    let wanted = Wanted::parse(asked.query, rules).map_err(|why| {
        asked.record.violation(format!("refused: {why}"));
        refused(400, &why)
    })?;
    for name in &wanted.unknown {
        asked.record.violation(format!("unknown query parameter '{name}'"));
    }
    Ok(wanted)
}

fn refused(status: u16, message: &str) -> Refused {
    let code = match status {
        400 => "Bad Request",
        401 => "INVALID_AUTH",
        402 => "PAYMENT_REQUIRED",
        403 => "INSUFFICIENT_PERMISSIONS",
        429 => "TOO_MANY_REQUESTS",
        _ => "INTERNAL_SERVER_ERROR",
    };
    Refused { status, body: json!({"err_code": code, "err_msg": message, "request_id": "scripted"}) }
}

/// How this vendor lies. Its messages name no reply, so a stranger's is of a kind that it does not have.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "Prophecy", "certainty": 0.3})
    }

    fn to_a_stranger(&self, _genuine: &Value) -> Value {
        json!({"type": "SpeechStarted", "speech_id": "dg_sp_000000000000"})
    }

    fn missequenced(&self, _genuine: &Value) -> Value {
        json!({"type": "Warning", "code": "SYNTHESIS_RETRYING", "description": "Scripted.", "sequence_id": -1})
    }
}
