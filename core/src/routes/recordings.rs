//! `GET /recordings/{key}`: a recording that is still on this host, for the bridge.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tokio_util::io::ReaderStream;
use vox_shared::wire::SECRET_HEADER;

use crate::app::App;

/// Stream the file. 403 without the shared secret, 404 when it is not here.
pub async fn fetch(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let given = headers.get(SECRET_HEADER).map(|v| v.as_bytes()).unwrap_or_default();
    if !bool::from(given.ct_eq(app.config.secret.expose_secret().as_bytes())) {
        return error(StatusCode::FORBIDDEN, "forbidden");
    }
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !key.starts_with('.');
    if !plain {
        return error(StatusCode::NOT_FOUND, "not_found");
    }
    let Ok(file) = tokio::fs::File::open(app.recordings.join(&key)).await else {
        return error(StatusCode::NOT_FOUND, "not_found");
    };
    ([(header::CONTENT_TYPE, "audio/wav")], Body::from_stream(ReaderStream::new(file))).into_response()
}

/// A JSON error.
pub fn error(status: StatusCode, code: &str) -> Response {
    let body = serde_json::json!({ "error": code }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
