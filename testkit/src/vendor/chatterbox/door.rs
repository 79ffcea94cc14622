//! The HTTP side: synthesis, voices, health.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::script::Script;
use crate::vendor::{
    handshake::{Refused, bearer},
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared},
    observe::Ending,
    speaking::{Bit, Habit, Mouth, Sounding, stream, wav_head},
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// What the model produces.
const RATE_HZ: u32 = 24_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    text: String,
    voice_id: String,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    exaggeration: Option<f64>,
    cfg_weight: Option<f64>,
    streaming: Option<bool>,
}

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/synthesize", post(synthesize))
        .route("/synthesize/stream", post(synthesize))
        .route("/voices", get(voices))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES))
        .with_state(app)
}

async fn synthesize(
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
    if let Err(refused) = admit(&record, &headers, &script) {
        return refused.respond(&record);
    }
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(&record, 400, &error.to_string()),
    };
    if request.text.trim().is_empty() {
        return refuse(&record, 400, "There is no text.");
    }
    if !script.voices.contains(&request.voice_id) {
        return refuse(&record, 404, "There is no such voice.");
    }
    let within = |value: Option<f64>, least, most| value.is_none_or(|v| (least..=most).contains(&v));
    if !within(request.options.exaggeration, 0.25, 2.0) || !within(request.options.cfg_weight, 0.0, 1.0) {
        return refuse(&record, 400, "An option is out of its range.");
    }
    if request.options.streaming != Some(true) {
        record.note("an answer that comes in one piece was asked for");
    }
    let mut mouth = Mouth::new(&script.speaking, &request.voice_id, RATE_HZ, 1.0);
    mouth.say(&request.text);
    let (head, write): (_, fn(&Bit) -> Vec<u8>) = match script.header_each_piece {
        true => (Vec::new(), |bit| [wav_head(RATE_HZ), bit.bytes()].concat()),
        false => (wav_head(RATE_HZ), Bit::bytes),
    };
    let sounding = Sounding { mouth, content_type: "audio/wav", head, write };
    stream(record, sounding, script.speaking.has(Habit::TextForSound))
}

async fn voices(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let list = |script: &Script| {
        let voices: Vec<_> = script.voices.iter().map(|id| json!({"id": id, "name": id})).collect();
        axum::Json(voices).into_response()
    };
    told(&app, Ask::new(&uri, wire), &headers, list).await
}

/// Whether the model is loaded.
async fn health(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !app.script().is_loaded {
        let record = app.begin_uncounted(Ask::new(&uri, wire));
        let body = json!({"status": "loading"});
        return Refused { status: 503, body }.respond(&record);
    }
    let healthy = |_: &Script| axum::Json(json!({"status": "ok"})).into_response();
    told(&app, Ask::new(&uri, wire), &headers, healthy).await
}

/// What it says of its GPU.
async fn metrics(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = |script: &Script| {
        let Some((used, free)) = script.gpu_memory_bytes else { return "requests_total 7\n".into_response() };
        let line =
            |state: &str, bytes: u64| format!("gpu_memory_bytes{{gpu=\"0\",state=\"{state}\"}} {bytes}\n");
        let page = ["# TYPE gpu_memory_bytes gauge\n".to_owned(), line("used", used), line("free", free)];
        page.concat().into_response()
    };
    told(&app, Ask::new(&uri, wire), &headers, page).await
}

async fn told(
    app: &App,
    ask: Ask,
    headers: &HeaderMap,
    answer: impl FnOnce(&Script) -> Response,
) -> Response {
    let mut record = app.begin_uncounted(ask);
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let script = app.script();
    if let Err(refused) = admit(&record, headers, &script) {
        return refused.respond(&record);
    }
    record.status(200);
    record.ended(Ending::Answered);
    answer(&script)
}

/// The scripted refusal, then the key.
fn admit(record: &Record, headers: &HeaderMap, script: &Script) -> Result<(), Refused> {
    if let Some(status) = record.faults.status {
        return Err(Refused { status, body: json!({"detail": "Scripted."}) });
    }
    if !script.needs_key || bearer(headers, "authorization", "Bearer ") == Some(script.api_key.as_str()) {
        return Ok(());
    }
    record.violation("wrong or missing credentials");
    Err(Refused { status: 401, body: json!({"detail": "Not authenticated"}) })
}

fn refuse(record: &Record, status: u16, why: &str) -> Response {
    record.violation(format!("refused: {why}"));
    Refused { status, body: json!({"detail": why}) }.respond(record)
}
