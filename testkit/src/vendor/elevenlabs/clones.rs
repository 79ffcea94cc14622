//! Voices that clients have made from clips: `POST /v1/voices/add`, `GET /v2/voices?search=`, `DELETE /v1/voices/{id}`. Strict about
//! the form, as the vendor is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Extension,
    extract::{Multipart, Path, multipart::MultipartRejection},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    refusal::{Trouble, unprocessable},
    visit::{Visit, admit},
};
use crate::vendor::{
    host::{Ask, Record},
    observe::Ending,
};

/// What a form may have beside the files.
const FIELDS: [&str; 4] = ["name", "description", "labels", "remove_background_noise"];
/// The longest name.
const MAX_NAME: usize = 100;

/// The voices of the account that were made here.
#[derive(Clone, Default)]
pub(super) struct Clones(Arc<Mutex<Vec<Cloned>>>);

/// One of them.
#[derive(Clone, Debug)]
struct Cloned {
    id: String,
    name: String,
    labels: Value,
}

/// A form as it was understood.
#[derive(Default)]
struct Given {
    name: String,
    labels: Value,
    files: Vec<(String, String, usize)>,
}

impl Clones {
    fn lock(&self) -> MutexGuard<'_, Vec<Cloned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn add(
    visit: Visit,
    clones: Extension<Clones>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let mut record = begin(&visit);
    let script = visit.app.script();
    if let Some(refusal) = admit(&record, &visit.headers, &script) {
        return refusal;
    }
    let Ok(form) = form else {
        return unprocessable(&["body"], "a multipart form is needed", &record);
    };
    let given = match read(form, &record).await {
        Ok(given) => given,
        Err((field, why)) => return unprocessable(&["body", &field], &why, &record),
    };
    record.edit(|exchange| {
        exchange.keep_text(
            &json!({"name": given.name, "labels": given.labels, "files": given.files}).to_string(),
        );
    });
    let id = format!("clone{}", visit.app.new_id().replace(['-', '_'], ""));
    let made = Cloned { id: id.clone(), name: given.name, labels: given.labels };
    // Made before it is told: an answer that is lost leaves it there.
    clones.lock().push(made);
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    answered(&record, json!({"voice_id": id, "requires_verification": false}))
}

pub(super) async fn search(visit: Visit, clones: Extension<Clones>) -> Response {
    let record = begin(&visit);
    if let Some(refusal) = admit(&record, &visit.headers, &visit.app.script()) {
        return refusal;
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(visit.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    for (name, _) in query.iter().filter(|(name, _)| !["search", "page_size"].contains(&name.as_str())) {
        record.violation(format!("unknown query parameter '{name}'"));
    }
    let searched = query.iter().find(|(name, _)| name == "search").map(|(_, text)| text.as_str());
    let found: Vec<Value> = clones
        .lock()
        .iter()
        .filter(|clone| searched.is_none_or(|text| clone.name.contains(text)))
        .map(|clone| {
            json!({"voice_id": clone.id, "name": clone.name, "category": "cloned", "labels": clone.labels,
                "voice_verification": {"requires_verification": true, "is_verified": false}})
        })
        .collect();
    let count = found.len();
    answered(
        &record,
        json!({"voices": found, "has_more": false, "total_count": count, "next_page_token": null}),
    )
}

pub(super) async fn remove(visit: Visit, Path(voice): Path<String>, clones: Extension<Clones>) -> Response {
    let record = begin(&visit);
    if let Some(refusal) = admit(&record, &visit.headers, &visit.app.script()) {
        return refusal;
    }
    let mut clones = clones.lock();
    let before = clones.len();
    clones.retain(|clone| clone.id != voice);
    if clones.len() == before {
        let missing = format!("A voice with voice_id {voice} does not exist.");
        return Trouble::new("voice_does_not_exist", missing).respond(400, &record);
    }
    answered(&record, json!({"status": "ok"}))
}

fn begin(visit: &Visit) -> Record {
    visit.app.begin(Ask::new(&visit.uri, visit.wire.clone()))
}

fn answered(record: &Record, body: Value) -> Response {
    record.status(200);
    record.ended(Ending::Answered);
    axum::Json(body).into_response()
}

async fn read(mut form: Multipart, record: &Record) -> Result<Given, (String, String)> {
    let mut given = Given::default();
    let broken = |error: axum::extract::multipart::MultipartError| ("form".to_owned(), error.to_string());
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "files" {
            let file = part.file_name().unwrap_or_default().to_owned();
            let kind = part.content_type().unwrap_or_default().to_owned();
            let size = part.bytes().await.map_err(broken)?.len();
            if file.is_empty() || !kind.starts_with("audio/") || size == 0 {
                return Err((name, format!("'{file}' of type '{kind}' with {size} bytes is no sample")));
            }
            given.files.push((file, kind, size));
            continue;
        }
        if !FIELDS.contains(&name.as_str()) {
            record.violation(format!("unknown field '{name}'"));
        }
        let text = part.text().await.map_err(broken)?;
        match name.as_str() {
            "name" => given.name = text,
            "labels" => {
                given.labels = serde_json::from_str(&text).map_err(|error| (name, error.to_string()))?;
            }
            "remove_background_noise" if !["true", "false"].contains(&text.as_str()) => {
                return Err((name, "must be a boolean".into()));
            }
            _ => {}
        }
    }
    if given.name.is_empty() || given.name.chars().count() > MAX_NAME {
        return Err(("name".into(), format!("must have 1 to {MAX_NAME} characters")));
    }
    if given.files.is_empty() {
        return Err(("files".into(), "field required".into()));
    }
    Ok(given)
}
