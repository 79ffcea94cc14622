//! The answer to a WebSocket handshake: a refusal in the vendor's own words, or a session.

use std::{future::Future, sync::Arc};

use axum::{
    extract::{WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared, add_retry_after},
    lies::Dialect,
    line::Line,
    observe::Ending,
    wire::WireOf,
};

/// A handshake that has come in.
pub(crate) struct Knock {
    pub(crate) uri: Uri,
    pub(crate) wire: WireOf,
    pub(crate) headers: HeaderMap,
    pub(crate) upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
}

/// An answer other than the one asked for.
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// What a session is asked for with, besides its wire.
pub(crate) struct Asked<'a> {
    pub(crate) record: &'a Record,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a [(String, String)],
}

/// Answer a handshake. `admit` looks at what is asked for; what it gives goes to `run`, which is the session.
pub(crate) async fn answer<S, W, R>(
    app: &Arc<Shared<S>>,
    knock: Knock,
    dialect: &'static dyn Dialect,
    admit: impl FnOnce(&Asked<'_>) -> Result<W, Refused>,
    run: impl FnOnce(Line, W) -> R + Send + 'static,
) -> Response
where
    S: Send + Sync + 'static,
    W: Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let ask = Ask::new(&knock.uri, knock.wire);
    let query = ask.query.clone();
    let mut record = app.begin(ask);
    record.before_head().await;
    let asked = Asked { record: &record, headers: &knock.headers, query: &query };
    let wanted = match admit(&asked) {
        Ok(wanted) => wanted,
        Err(refused) => return refused.respond(&record),
    };
    let upgrade = match knock.upgrade {
        Ok(upgrade) => upgrade,
        Err(_) => {
            record.violation("a request without a WebSocket upgrade");
            let body = serde_json::json!({"message": "Expected a WebSocket upgrade request."});
            return Refused { status: 400, body }.respond(&record);
        }
    };
    record.status(101);
    upgrade
        .max_message_size(MAX_CLIENT_BYTES)
        .on_upgrade(move |socket| run(Line::new(socket, record, dialect), wanted))
}

impl Refused {
    pub(crate) fn respond(self, record: &Record) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        record.status(status.as_u16());
        record.ended(Ending::Answered);
        let mut response = (status, axum::Json(self.body)).into_response();
        add_retry_after(response.headers_mut(), &record.faults);
        response
    }
}

/// The value of a header that begins with `prefix`, without it.
pub(crate) fn bearer<'a>(headers: &'a HeaderMap, name: &str, prefix: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.strip_prefix(prefix).map(str::trim)
}
