//! The HTTP side: routes, keys, and the choice between a stream and one body.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Stamp, Tongue},
    gate::{App, admit, is_elsewhere, no_route},
    habit::Habit,
    refusal::{Refusal, add_headers},
    request::Request,
    responses,
    script::Script,
};
use crate::vendor::{
    faults::{Cut, Dice, Lie},
    host::{Ask, MAX_CLIENT_BYTES, Record},
    lies::oversized,
    model::{self, Asked, Manner, Pace, body},
    observe::Ending,
    wire::WireOf,
};

/// Every form of `base_url` that clients are given.
const ROOTS: &[&str] = &["/v1", "/openai/v1", ""];

pub(crate) fn routes(app: App) -> Router {
    let mut router = Router::new();
    for root in ROOTS {
        router = router
            .route(&format!("{root}/chat/completions"), post(complete))
            .route(&format!("{root}/responses"), post(responses::respond))
            .route(&format!("{root}/models"), get(models))
            .route(&format!("{root}/models/{{*model}}"), get(models));
    }
    router.fallback(no_such_url).layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES)).with_state(app)
}

async fn complete(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let mut record = app.begin(Ask::new(&uri, wire));
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(&sent)));
    record.before_head().await;
    let (script, id) = (app.script(), app.new_id());
    if is_elsewhere(&script, &uri) {
        return no_route(&uri).respond(&record, &id);
    }
    let asked =
        admit(&record, &headers, &script.api_key).and_then(|()| read(&record, &headers, &sent, &script));
    let request = match asked {
        Ok(request) => request,
        Err(refusal) => return refusal.respond(&record, &id),
    };
    let asked =
        Asked { user: &request.user, tool_result: request.tool_result.as_deref(), number: record.index + 1 };
    let reply = model::answer(&script.rules, &script.default, asked);
    let stamp = Stamp {
        id: id.clone(),
        created: app.clock.now().as_second(),
        dice: Dice::new(record.dice.clone().roll()),
    };
    for call in reply.tool_calls.iter().filter(|call| !request.tools.contains(&call.name)) {
        record.note(format!("the script calls '{}', which the request does not offer", call.name));
    }
    let answer = Answer::new(&request, &reply, stamp);
    let pace = Pace {
        first_token: Duration::from_millis(script.first_token_ms),
        per_token: Duration::from_millis(script.per_token_ms),
    };
    record.status(200);
    if request.stream && !script.habits.contains(&Habit::InOnePiece) {
        streamed(record, &id, (answer, request.include_usage), (pace, script.habits.clone()))
    } else {
        whole(record, &id, &answer, pace).await
    }
}

fn streamed(
    record: Record,
    id: &str,
    (mut answer, include_usage): (Answer, bool),
    (pace, habits): (Pace, Vec<Habit>),
) -> Response {
    let mut headers = HeaderMap::new();
    add_headers(&mut headers, id, &record);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let chunks = Habit::bend(&habits, answer.chunks(include_usage));
    let farewell = (!habits.contains(&Habit::NoDone)).then(|| Habit::write(&habits, "[DONE]"));
    let write = Box::new(move |_: &Value, told: &str| Habit::write(&habits, told));
    let broken = |status| format!("data: {}\n\n", Refusal::scripted(status).body());
    let manner = Manner { pace, dialect: &Tongue, write, farewell, broken };
    (headers, body(record, chunks, manner)).into_response()
}

async fn whole(record: Record, id: &str, answer: &Answer, pace: Pace) -> Response {
    if record.faults.half_open {
        record.wire.stop_reading();
    }
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let thinking = pace.first_token + pace.per_token * answer.tokens() as u32;
    let delay = thinking + Duration::from_millis(record.faults.first_byte_delay_ms);
    match record.faults.cut_after {
        Some(Cut::Ms(ms)) if Duration::from_millis(ms) < delay => {
            cut(&record, Duration::from_millis(ms)).await
        }
        Some(Cut::Messages(0)) => cut(&record, delay).await,
        _ => tokio::time::sleep(delay).await,
    }
    record.ended(Ending::Answered);
    let told = match (record.faults.oversized_mb, record.faults.lies.first()) {
        (Some(megabytes), _) => oversized(answer.whole(), megabytes),
        // Half of it, which is no JSON.
        (None, Some(Lie::MalformedJson)) => {
            let whole = answer.whole().to_string();
            whole.chars().take(whole.chars().count() / 2).collect()
        }
        (None, _) => answer.whole().to_string(),
    };
    let mut response = ([(header::CONTENT_TYPE, "application/json")], told).into_response();
    add_headers(response.headers_mut(), id, &record);
    response
}

async fn cut(record: &Record, after: Duration) {
    tokio::time::sleep(after).await;
    record.ended(Ending::Cut);
    record.wire.reset();
    std::future::pending().await
}

/// The list of models, or one of them: also the cheapest check of a key.
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
    let (script, id) = (app.script(), app.new_id());
    if is_elsewhere(&script, &uri) {
        return no_route(&uri).respond(&record, &id);
    }
    if let Err(refusal) = admit(&record, &headers, &script.api_key) {
        return refusal.respond(&record, &id);
    }
    let describe = |name: &String| json!({"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "scripted", "shutdown_date": null});
    let described = match uri.path().split_once("/models/") {
        None => json!({"object": "list", "data": script.models.iter().map(describe).collect::<Vec<_>>()}),
        Some((_, name)) => match script.models.iter().find(|known| *known == name) {
            Some(name) => describe(name),
            None => return Refusal::no_model(name).respond(&record, &id),
        },
    };
    record.status(200);
    record.ended(Ending::Answered);
    let mut response = axum::Json(described).into_response();
    add_headers(response.headers_mut(), &id, &record);
    response
}

async fn no_such_url(State(app): State<App>, ConnectInfo(wire): ConnectInfo<WireOf>, uri: Uri) -> Response {
    let record = app.begin_uncounted(Ask::new(&uri, wire));
    record.violation("unknown URL or method");
    no_route(&uri).respond(&record, &app.new_id())
}

fn read(record: &Record, headers: &HeaderMap, sent: &[u8], script: &Script) -> Result<Request, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        record.violation("the content type is not application/json");
    }
    Request::parse(sent, script).inspect_err(|refusal| {
        record.violation(format!("refused request: {}", refusal.message));
    })
}
