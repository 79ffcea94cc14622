//! `GET /recordings/{key}`: a recording that is still on this host, for the bridge.

use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use vox_shared::wire::SECRET_HEADER;

use super::answer::{Answer, error, file};
use crate::app::App;

/// Stream the file. 403 without the shared secret, 404 when it is not here.
pub async fn fetch(app: &App, key: &str, headers: &HeaderMap) -> Answer {
    let given = headers.get(SECRET_HEADER).map(|v| v.as_bytes()).unwrap_or_default();
    if !bool::from(given.ct_eq(app.config.secret.expose_secret().as_bytes())) {
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
