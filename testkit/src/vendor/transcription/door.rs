//! The HTTP side: routes, keys, and answers through the faults.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Multipart, State, multipart::MultipartRejection},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    answer::{body, is_whole},
    request::{Fault, read},
    script::Script,
};
use crate::vendor::{
    faults::{Cut, Lie},
    handshake::{Refused, bearer},
    host::{Ask, Record, Shared},
    lies::oversized,
    observe::Ending,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// Whole utterances told so far.
type Told = Arc<AtomicUsize>;

const MOST_BYTES: usize = 32 << 20;

pub(crate) fn routes(app: App) -> Router {
    let mut router = Router::new();
    for root in ["/v1", ""] {
        router = router
            .route(&format!("{root}/audio/transcriptions"), post(transcribe))
            .route(&format!("{root}/models"), get(models));
    }
    router
        .fallback(no_such_url)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(Extension(Told::default()))
        .with_state(app)
}

async fn transcribe(
    State(app): State<App>,
    (ConnectInfo(wire), Extension(told)): (ConnectInfo<WireOf>, Extension<Told>),
    uri: Uri,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let mut record = app.begin(Ask::new(&uri, wire));
    record.before_head().await;
    let script = app.script();
    if let Err(fault) = admit(&record, &headers, (&script, &uri)) {
        return refuse(&record, &fault);
    }
    let Ok(form) = form else {
        return refuse(&record, &noted(&record, Fault::bad("file", "not a multipart form")));
    };
    let (request, unknown) = match read(form, &script).await {
        Ok(read) => read,
        Err(fault) => return refuse(&record, &noted(&record, fault)),
    };
    for name in unknown {
        record.violation(format!("unknown field '{name}'"));
    }
    record.edit(|exchange| exchange.audio_samples += request.samples.len() as u64);
    let whole = is_whole(&request, &script);
    let index = if whole { told.fetch_add(1, Ordering::Relaxed) } else { told.load(Ordering::Relaxed) };
    let answer = body(&request, &script, (script.utterance(index), whole));
    record.status(200);
    say(record, &answer, Duration::from_millis(script.delay_ms)).await
}

/// One JSON body through the faults.
async fn say(record: Record, answer: &Value, delay: Duration) -> Response {
    if record.faults.half_open {
        record.wire.stop_reading();
    }
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let delay = delay + Duration::from_millis(record.faults.first_byte_delay_ms);
    match record.faults.cut_after {
        Some(Cut::Ms(ms)) if Duration::from_millis(ms) < delay => {
            return cut(&record, Duration::from_millis(ms)).await;
        }
        Some(Cut::Messages(_)) => return cut(&record, delay).await,
        _ => tokio::time::sleep(delay).await,
    }
    if record.faults.close_code.is_some() {
        return cut(&record, Duration::ZERO).await;
    }
    record.ended(Ending::Answered);
    let text = match (record.faults.oversized_mb, record.faults.lies.first()) {
        (Some(megabytes), _) => oversized(answer.clone(), megabytes),
        (None, Some(Lie::MalformedJson)) => {
            let whole = answer.to_string();
            whole.chars().take(whole.chars().count() / 2).collect()
        }
        (None, Some(Lie::WrongTypes)) => {
            json!({"text": 7, "words": "none", "segments": {"id": "0"}}).to_string()
        }
        (None, _) => answer.to_string(),
    };
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn cut(record: &Record, after: Duration) -> Response {
    tokio::time::sleep(after).await;
    record.ended(Ending::Cut);
    record.wire.reset();
    std::future::pending().await
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
    Fault { status: 404, message: format!("Invalid URL ({})", uri.path()), param: None, code: None }
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
        return Err(Fault { status, message: message.into(), param: None, code });
    }
    if script.only_below_v1 && !uri.path().starts_with("/v1/") {
        return Err(no_route(uri));
    }
    let key = bearer(headers, "authorization", "Bearer ");
    if !script.needs_key || key == Some(script.api_key.as_str()) {
        return Ok(());
    }
    let message = "Incorrect API key provided".to_owned();
    let fault = Fault { status: 401, message, param: None, code: Some("invalid_api_key") };
    Err(noted(record, fault))
}

fn noted(record: &Record, fault: Fault) -> Fault {
    record.violation(format!("refused: {}", fault.message));
    fault
}

fn refuse(record: &Record, fault: &Fault) -> Response {
    Refused { status: fault.status, body: fault.body() }.respond(record)
}
