//! Who is let in: by a key to the Gemini API, by a token to Vertex.

use std::sync::Arc;

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    account::{LOCATION, PROJECT, PROJECT_NUMBER},
    refusal::Refusal,
    script::Script,
};
use crate::vendor::{
    host::{Record, Shared},
    observe::Ending,
};

pub(super) type App = Arc<Shared<Script>>;

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The scripted refusal, then the key.
pub(super) fn admit_key(record: &Record, headers: &HeaderMap, key: &str) -> Result<(), Refusal> {
    if let Some(status) = record.faults.status {
        return Err(Refusal::scripted(status));
    }
    match text(headers, "x-goog-api-key") {
        Some(offered) if offered == key => Ok(()),
        Some(_) => {
            record.violation("wrong API key");
            Err(Refusal::wrong_key())
        }
        None => {
            record.violation("no API key");
            Err(Refusal::no_key())
        }
    }
}

/// The scripted refusal, then the token, then the place.
pub(super) fn admit_token(
    record: &Record,
    headers: &HeaderMap,
    script: &Script,
    ((project, location), second): (&(String, String), i64),
) -> Result<(), Refusal> {
    if let Some(status) = record.faults.status {
        return Err(Refusal::scripted(status));
    }
    let offered = text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    if !offered.is_some_and(|token| script.issued.is_good(token, second)) {
        record.note("a token that is not good");
        return Err(Refusal::wrong_token());
    }
    if project != PROJECT && project != PROJECT_NUMBER {
        record.violation("another project");
        let message =
            format!("Permission 'aiplatform.endpoints.predict' denied on resource 'projects/{project}'.");
        return Err(Refusal { code: 403, status: "PERMISSION_DENIED", message, reason: None });
    }
    if location != LOCATION && location != "global" {
        record.violation("another location");
        return Err(Refusal::not_found(format!("Publisher Model was not found in location {location}.")));
    }
    Ok(())
}

/// An answer in JSON.
pub(super) fn told(record: &Record, value: Value) -> Response {
    record.status(200);
    record.ended(Ending::Answered);
    axum::Json(value).into_response()
}
