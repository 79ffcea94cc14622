//! `GET /recordings/{key}`: a recording that is still on this host, for the bridge.

use http::{HeaderMap, StatusCode};

use super::answer::{Answer, error, file};
use crate::access::is_internal;
use crate::app::App;

/// Stream the file. 403 without the shared secret, 404 when it is not here.
pub async fn fetch(app: &App, key: &str, headers: &HeaderMap) -> Answer {
    if !is_internal(headers, &app.config) {
        return error(StatusCode::FORBIDDEN, "forbidden");
    }
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !key.starts_with('.');
    if !plain {
        return error(StatusCode::NOT_FOUND, "not_found");
    }
    match tokio::fs::File::open(app.recordings.join(key)).await {
        Ok(found) => file("audio/wav", found),
        Err(_) => error(StatusCode::NOT_FOUND, "not_found"),
    }
}
