//! The HTTP side: routes, keys and tokens.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    answer::{Stamp, Tongue, chunks},
    gate::{App, admit_key, admit_token, text, told},
    models::find,
    prompts,
    refusal::Refusal,
    request::Request,
    script::Script,
    tokens,
};
use crate::vendor::{
    faults::Dice,
    host::{Ask, MAX_CLIENT_BYTES, Record},
    model::{self as scripted, Asked, Manner, Pace, body},
    observe::Ending,
    wire::WireOf,
};

/// The versions of the Gemini API; clients of the vendor use either.
const VERSIONS: &[&str] = &["v1beta", "v1"];
/// The verb after the model's name.
const STREAM: &str = ":streamGenerateContent";

pub(crate) fn routes(app: App) -> Router {
    let by_version = VERSIONS.iter().fold(prompts::routes(VERSIONS), |routes, version| {
        let all = format!("/{version}/models");
        routes.route(&all, get(models)).route(&format!("{all}/{{model}}"), get(models).post(by_key))
    });
    by_version
        .route(
            "/v1beta1/projects/{project}/locations/{location}/publishers/google/models/{model}",
            get(vertex_model).post(by_token),
        )
        .route("/token", post(token))
        .fallback(no_such_url)
        .layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES))
        .with_state(app)
}

/// The last part of the path, a model's name and a verb, and what stands before the name in the vendor's own names.
struct Target<'a> {
    models: &'a str,
    model: &'a str,
}

async fn by_key(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    (Path(model), uri): (Path<String>, Uri),
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let target = Target { models: "models", model: &model };
    generate(&app, begin(&app, &uri, wire, &sent), target, (&headers, &sent), |record, script| {
        admit_key(record, &headers, &script.api_key)
    })
    .await
}

async fn by_token(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    (Path((project, location, model)), uri): (Path<(String, String, String)>, Uri),
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let models = format!("projects/{project}/locations/{location}/publishers/google/models");
    let target = Target { models: &models, model: &model };
    let place = (project, location);
    generate(&app, begin(&app, &uri, wire, &sent), target, (&headers, &sent), |record, script| {
        admit_token(record, &headers, script, (&place, app.clock.now().as_second()))
    })
    .await
}

fn begin(app: &App, uri: &Uri, wire: WireOf, sent: &[u8]) -> Record {
    let record = app.begin(Ask::new(uri, wire));
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(sent)));
    if !uri.query().unwrap_or_default().split('&').any(|pair| pair == "alt=sse") {
        record.violation("without alt=sse this server answers nothing");
    }
    record
}

async fn generate(
    app: &App,
    mut record: Record,
    target: Target<'_>,
    (headers, sent): (&HeaderMap, &[u8]),
    admit: impl FnOnce(&Record, &Script) -> Result<(), Refusal>,
) -> Response {
    record.before_head().await;
    let (script, id) = (app.script(), app.new_id());
    let second = app.clock.now().as_second();
    let read =
        admit(&record, &script).and_then(|()| read(&record, &script, (&target, second), (headers, sent)));
    let request = match read {
        Ok(request) => request,
        Err(refusal) => return refusal.respond(&record),
    };
    let asked =
        Asked { user: &request.user, tool_result: request.tool_result.as_deref(), number: record.index + 1 };
    let reply = scripted::answer(&script.rules, &script.default, asked);
    let stamp = Stamp {
        id,
        dice: Dice::new(record.dice.clone().roll()),
        thinks: script.thinks,
        signs: find(&request.model).is_some_and(|model| model.signs),
        no_ids: script.no_ids,
        finish_reason: script.finish_reason.as_deref(),
    };
    let chunks = chunks(&request, &reply, stamp);
    record.status(200);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    let pace = Pace {
        first_token: Duration::from_millis(script.first_token_ms),
        per_token: Duration::from_millis(script.per_token_ms),
    };
    let write = Box::new(|_: &Value, told: &str| format!("data: {told}\r\n\r\n"));
    let broken = |status| format!("data: {}\r\n\r\n", Refusal::scripted(status).body(None));
    let manner = Manner { pace, dialect: &Tongue, write, farewell: None, broken };
    (headers, body(record, chunks, manner)).into_response()
}

fn read(
    record: &Record,
    script: &Script,
    (target, second): (&Target<'_>, i64),
    (headers, sent): (&HeaderMap, &[u8]),
) -> Result<Request, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        record.violation("the content type is not application/json");
    }
    let refused = |refusal: Refusal| {
        record.violation(format!("refused request: {}", refusal.message));
        refusal
    };
    let Some(model) = target.model.strip_suffix(STREAM) else {
        return Err(refused(Refusal::not_found(format!("This scripted server only knows {STREAM}."))));
    };
    if !script.models.iter().any(|known| known == model) {
        let message = format!(
            "models/{model} is not found for API version v1beta, or is not supported for generateContent."
        );
        return Err(refused(Refusal::not_found(message)));
    }
    let whole = format!("{}/{model}", target.models);
    let request = match Request::parse(sent, script, (model, &whole), second) {
        Ok(request) => request,
        // Nobody can know that a prompt is not kept any more.
        Err(gone) if gone.code == 403 => return Err(gone),
        Err(refusal) => return Err(refused(refusal)),
    };
    for note in &request.notes {
        record.note(*note);
    }
    Ok(request)
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
    let script = app.script();
    if let Err(refusal) = admit_key(&record, &headers, &script.api_key) {
        return refusal.respond(&record);
    }
    match uri.path().split_once("/models/") {
        None => {
            let all: Vec<Value> = script.models.iter().map(|name| describe(name)).collect();
            told(&record, json!({ "models": all }))
        }
        Some((_, name)) if script.models.iter().any(|known| known == name) => told(&record, describe(name)),
        Some((_, name)) => Refusal::not_found(format!("models/{name} is not found")).respond(&record),
    }
}

async fn vertex_model(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    (Path((project, location, model)), uri): (Path<(String, String, String)>, Uri),
    headers: HeaderMap,
) -> Response {
    let mut record = app.begin_uncounted(Ask::new(&uri, wire));
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let script = app.script();
    let place = (project, location);
    match admit_token(&record, &headers, &script, (&place, app.clock.now().as_second())) {
        Ok(()) => told(&record, json!({"name": format!("publishers/google/models/{model}")})),
        Err(refusal) => refusal.respond(&record),
    }
}

fn describe(name: &str) -> Value {
    json!({"name": format!("models/{name}"), "version": "001", "displayName": name, "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent", "countTokens"]})
}

/// A token for a signed claim.
async fn token(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let mut record = app.begin(Ask::new(&uri, wire));
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let refuse = |code: u16, word: &str, sentence: &str| {
        record.status(code);
        record.ended(Ending::Answered);
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, axum::Json(json!({"error": word, "error_description": sentence}))).into_response()
    };
    match record.faults.status {
        None => {}
        Some(code @ 500..) => return refuse(code, "internal_failure", "Backend Error"),
        Some(code) => return refuse(code, "invalid_grant", "Invalid grant: account not found"),
    }
    let kind = text(&headers, "content-type").unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        record.violation("the content type is not application/x-www-form-urlencoded");
    }
    let audience = format!("{}/token", text(&headers, "host").unwrap_or_default());
    let second = app.clock.now().as_second();
    if let Err((word, sentence)) = tokens::check(&sent, &audience, second) {
        record.violation(format!("refused claim: {sentence}"));
        return refuse(400, word, &sentence);
    }
    let (script, token) = (app.script(), format!("ya29.{}", app.new_id()));
    script.issued.add(token.clone(), second + script.token_life_s as i64);
    told(&record, json!({"access_token": token, "expires_in": script.token_life_s, "token_type": "Bearer"}))
}

async fn no_such_url(State(app): State<App>, ConnectInfo(wire): ConnectInfo<WireOf>, uri: Uri) -> Response {
    let record = app.begin_uncounted(Ask::new(&uri, wire));
    record.violation("unknown URL or method");
    Refusal::not_found("Requested entity was not found.").respond(&record)
}
