//! What every request has, and whether it is let in.

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{
    refusal::{Trouble, scripted},
    script::Script,
};
use crate::vendor::{
    host::{Record, Shared},
    wire::WireOf,
};

type App = Arc<Shared<Script>>;

/// What every request is judged by.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(App))]
pub(super) struct Visit {
    #[from_request(via(State))]
    pub(super) app: App,
    #[from_request(via(ConnectInfo))]
    pub(super) wire: WireOf,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

/// The scripted refusal, then the key.
pub(super) fn admit(record: &Record, headers: &HeaderMap, script: &Script) -> Option<Response> {
    if let Some(status) = record.faults.status {
        return Some(scripted(status, record));
    }
    let trouble = match offered_key(headers) {
        Some(key) if key == script.api_key => return None,
        Some(_) => Trouble::wrong_key(),
        None => Trouble::no_key(),
    };
    record.violation(format!("refused: {}", trouble.error));
    Some(trouble.respond(401, record))
}

pub(super) fn offered_key(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || text("authorization").map(|value| value.trim_start_matches("Bearer "));
    text("xi-api-key").or_else(bearer).map(str::to_owned)
}
