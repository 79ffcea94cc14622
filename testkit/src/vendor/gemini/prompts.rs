//! The HTTP side of prompts that are kept.

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
    routing::{get, post},
};

use super::{
    account::PROJECT_NUMBER,
    gate::{App, admit_key, admit_token, told},
    keeping,
    refusal::Refusal,
    script::Script,
};
use crate::vendor::{
    host::{Ask, Record},
    wire::WireOf,
};

/// Below the versions of the Gemini API.
pub(super) fn routes(versions: &[&str]) -> Router<App> {
    let place = "/v1beta1/projects/{project}/locations/{location}/cachedContents";
    let vertex = Router::new()
        .route(place, post(by_token))
        .route(&format!("{place}/{{id}}"), get(one_by_token).patch(one_by_token).delete(one_by_token));
    versions.iter().fold(vertex, |routes, version| {
        let kept = format!("/{version}/cachedContents");
        routes
            .route(&kept, post(by_key))
            .route(&format!("{kept}/{{id}}"), get(by_key).patch(by_key).delete(by_key))
    })
}

async fn by_key(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    asked: (Method, Uri),
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let named = Named { place: String::new(), models: "models".to_owned() };
    answer(&app, wire, (asked, sent), named, |record, script| admit_key(record, &headers, &script.api_key))
        .await
}

async fn by_token(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    (Path((project, location)), method, uri): (Path<(String, String)>, Method, Uri),
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let named = Named {
        place: format!("projects/{PROJECT_NUMBER}/locations/{location}/"),
        models: format!("projects/{project}/locations/{location}/publishers/google/models"),
    };
    let (place, second) = ((project, location), app.clock.now().as_second());
    let admit = |record: &Record, script: &Script| admit_token(record, &headers, script, (&place, second));
    answer(&app, wire, ((method, uri), sent), named, admit).await
}

async fn one_by_token(
    state: State<App>,
    wire: ConnectInfo<WireOf>,
    (Path((project, location, _id)), method, uri): (Path<(String, String, String)>, Method, Uri),
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    by_token(state, wire, (Path((project, location)), method, uri), headers, sent).await
}

/// How names are put together at one door.
struct Named {
    /// What a new name begins with.
    place: String,
    /// What a model's whole name begins with.
    models: String,
}

async fn answer(
    app: &App,
    wire: WireOf,
    ((method, uri), sent): ((Method, Uri), Bytes),
    named: Named,
    admit: impl FnOnce(&Record, &Script) -> Result<(), Refusal>,
) -> Response {
    let mut record = app.begin_uncounted(Ask::new(&uri, wire));
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(&sent)));
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let (script, second) = (app.script(), app.clock.now().as_second());
    let asked = admit(&record, &script).and_then(|()| {
        if method == Method::POST {
            let models: Vec<String> =
                script.models.iter().map(|model| format!("{}/{model}", named.models)).collect();
            let prompt = keeping::prompt(&sent, (&models, script.least_kept_tokens), second)?;
            return Ok(script.kept.put(&format!("{}cachedContents/{}", named.place, app.new_id()), prompt));
        }
        // Behind the version.
        let (_, name) = uri.path().trim_start_matches('/').split_once('/').unwrap_or_default();
        let mut prompt = script.kept.find(name, second)?;
        match method {
            Method::PATCH => {
                prompt.until = keeping::new_end(uri.query().unwrap_or_default(), &sent, second)?;
                Ok(script.kept.put(name, prompt))
            }
            Method::DELETE => script.kept.delete(name, second),
            _ => Ok(prompt.told(name)),
        }
    });
    match asked {
        Ok(value) => told(&record, value),
        Err(refusal) => {
            // That a prompt is too small, or not kept any more, nobody can know.
            if !(refusal.code == 403 || refusal.message.contains("too small")) {
                record.violation(format!("refused request: {}", refusal.message));
            }
            refusal.respond(&record)
        }
    }
}
