//! The HTTP side: routes, keys, and sound through the faults.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    request::{Fault, Request},
    script::Script,
};
use crate::vendor::{
    handshake::{Refused, bearer},
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared},
    observe::Ending,
    speaking::{Bit, Habit, Mouth, Sounding, stream, wav_head},
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// The only rate of samples without a header.
const RATE_HZ: u32 = 24_000;

pub(crate) fn routes(app: App) -> Router {
    let mut router = Router::new();
    for root in ["/v1", ""] {
        router = router
            .route(&format!("{root}/audio/speech"), post(speak))
            .route(&format!("{root}/models"), get(models));
    }
    router.fallback(no_such_url).layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES)).with_state(app)
}

async fn speak(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut record = app.begin(Ask::new(&uri, wire));
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(&body)));
    record.before_head().await;
    let script = app.script();
    if let Err(fault) = admit(&record, &headers, (&script, &uri)) {
        return refuse(&record, &fault);
    }
    let request = match Request::parse(&body) {
        Ok(request) => request,
        Err(fault) => return refuse(&record, &noted(&record, fault)),
    };
    for name in request.unknown.keys() {
        record.violation(format!("unknown field '{name}'"));
    }
    let wanted = match request.check(&script) {
        Ok(wanted) => wanted,
        Err(fault) => return refuse(&record, &noted(&record, fault)),
    };
    let mut mouth = Mouth::new(&script.speaking, &wanted.voice, RATE_HZ, wanted.speed);
    mouth.say(&wanted.text);
    let (content_type, head) =
        if wanted.is_wav { ("audio/wav", wav_head(RATE_HZ)) } else { ("audio/pcm", Vec::new()) };
    let sounding = Sounding { mouth, content_type, head, write: Bit::bytes };
    stream(record, sounding, script.speaking.has(Habit::TextForSound))
}

/// The list of models: also the cheapest check of a key.
async fn models(
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
    let script = app.script();
    if let Err(fault) = admit(&record, &headers, (&script, &uri)) {
        return refuse(&record, &fault);
    }
    record.status(200);
    record.ended(Ending::Answered);
    let list: Vec<Value> = script.models.iter().map(|id| json!({"id": id, "object": "model"})).collect();
    axum::Json(json!({"object": "list", "data": list})).into_response()
}

async fn no_such_url(State(app): State<App>, ConnectInfo(wire): ConnectInfo<WireOf>, uri: Uri) -> Response {
    let record = app.begin_uncounted(Ask::new(&uri, wire));
    record.violation("unknown URL or method");
    refuse(&record, &no_route(&uri))
}

fn no_route(uri: &Uri) -> Fault {
    Fault::new(404, format!("Invalid URL ({})", uri.path()), None)
}

/// The scripted refusal, the route, the key.
fn admit(record: &Record, headers: &HeaderMap, (script, uri): (&Script, &Uri)) -> Result<(), Fault> {
    if let Some(status) = record.faults.status {
        let (message, code) = match status {
            401 => ("Incorrect API key provided", Some("invalid_api_key")),
            403 => ("You may not use this model", None),
            429 => ("Rate limit reached", Some("rate_limit_exceeded")),
            _ => ("The server had an error", None),
        };
        return Err(Fault::new(status, message, code));
    }
    if script.only_below_v1 && !uri.path().starts_with("/v1/") {
        return Err(no_route(uri));
    }
    if !script.needs_key || bearer(headers, "authorization", "Bearer ") == Some(script.api_key.as_str()) {
        return Ok(());
    }
    Err(noted(record, Fault::new(401, "Incorrect API key provided", Some("invalid_api_key"))))
}

fn noted(record: &Record, fault: Fault) -> Fault {
    record.violation(format!("refused: {}", fault.body()["error"]["message"]));
    fault
}

fn refuse(record: &Record, fault: &Fault) -> Response {
    Refused { status: fault.status, body: fault.body() }.respond(record)
}
