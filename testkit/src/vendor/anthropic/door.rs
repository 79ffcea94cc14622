//! The HTTP side: routes, keys, versions.

use std::{sync::Arc, time::Duration};

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
    answer::{Stamp, Tongue, events},
    models::{VERSIONS, model},
    refusal::{Refusal, add_headers},
    request::Request,
    script::Script,
};
use crate::vendor::{
    faults::Dice,
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared},
    model::{self as scripted, Asked, Manner, Pace, body},
    observe::Ending,
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/v1/messages", post(messages))
        .route("/v1/models", get(models))
        .route("/v1/models/{model}", get(models))
        .fallback(no_such_url)
        .layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES))
        .with_state(app)
}

async fn messages(
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
    let asked = admit(&record, &headers, &script.api_key)
        .and_then(|version| read(&record, &headers, &sent, (&script, version)));
    let request = match asked {
        Ok(request) => request,
        Err(refusal) => return refusal.respond(&record, &id),
    };
    let asked =
        Asked { user: &request.user, tool_result: request.tool_result.as_deref(), number: record.index + 1 };
    let reply = scripted::answer(&script.rules, &script.default, asked);
    for call in reply.tool_calls.iter().filter(|call| !request.tools.contains(&call.name)) {
        record.note(format!("the script calls '{}', which the request does not offer", call.name));
    }
    let stamp = Stamp {
        id: id.clone(),
        dice: Dice::new(record.dice.clone().roll()),
        counted: request.prompt.count(&script.cache, model(&request.model).cache_min),
        thinks: script.thinks,
        stop_reason: script.stop_reason.as_deref(),
    };
    let events = events(&request, &reply, stamp);
    record.status(200);
    let mut headers = HeaderMap::new();
    add_headers(&mut headers, &id, &record);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let pace = Pace {
        first_token: Duration::from_millis(script.first_token_ms),
        per_token: Duration::from_millis(script.per_token_ms),
    };
    let broken = |status| write(&Value::Null, &Refusal::scripted(status).body().to_string());
    let manner = Manner { pace, dialect: &Tongue, write: Box::new(write), farewell: None, broken };
    (headers, body(record, events, manner)).into_response()
}

/// An event with its name: that of the genuine one where the text is half of it.
fn write(genuine: &Value, told: &str) -> String {
    let told_value: Value = serde_json::from_str(told).unwrap_or_default();
    let name = told_value["type"].as_str().or(genuine["type"].as_str()).unwrap_or_default();
    format!("event: {name}\ndata: {told}\n\n")
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
    if let Err(refusal) = admit(&record, &headers, &script.api_key) {
        return refusal.respond(&record, &id);
    }
    let describe = |name: &String| json!({"id": name, "type": "model", "display_name": name, "created_at": "2026-10-07T00:00:00Z"});
    let described = match uri.path().strip_prefix("/v1/models/") {
        None => {
            let data: Vec<Value> = script.models.iter().map(describe).collect();
            json!({"data": data, "first_id": script.models.first(), "last_id": script.models.last(), "has_more": false})
        }
        Some(name) => match script.models.iter().find(|known| *known == name) {
            Some(name) => describe(name),
            None => return Refusal::not_found(format!("model: {name}")).respond(&record, &id),
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
    Refusal::not_found("Not Found").respond(&record, &app.new_id())
}

/// The scripted refusal, then the key, then the version, which is returned.
fn admit<'a>(record: &Record, headers: &'a HeaderMap, key: &str) -> Result<&'a str, Refusal> {
    if let Some(status) = record.faults.status {
        return Err(Refusal::scripted(status));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let refusal = match (text("x-api-key"), bearer) {
        (Some(_), Some(_)) => Some(("two keys", Refusal::invalid("Send either x-api-key or Authorization"))),
        (Some(offered), None) | (None, Some(offered)) if offered == key => None,
        (None, None) => Some(("no key", Refusal::no_key())),
        _ => Some(("wrong API key", Refusal::wrong_key())),
    };
    if let Some((what, refusal)) = refusal {
        record.violation(what);
        return Err(refusal);
    }
    let refused = |message: String| {
        record.violation(message.clone());
        Err(Refusal::invalid(message))
    };
    match text("anthropic-version") {
        None => refused("anthropic-version: header is required".into()),
        Some(version) if VERSIONS.contains(&version) => Ok(version),
        Some(version) => refused(format!("anthropic-version: \"{version}\" is not a valid version")),
    }
}

fn read(
    record: &Record,
    headers: &HeaderMap,
    sent: &[u8],
    (script, version): (&Script, &str),
) -> Result<Request, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        record.violation("the content type is not application/json");
    }
    let read = Request::parse(sent, script, version);
    match &read {
        Err(refusal) => record.violation(format!("refused request: {}", refusal.message)),
        Ok(request) if request.merged => record.note("messages of one role in a row are merged"),
        Ok(_) => {}
    }
    read
}
