//! Who is let in, and where there is nothing.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};

use super::{refusal::Refusal, script::Script};
use crate::vendor::host::{Record, Shared};

pub(super) type App = Arc<Shared<Script>>;

pub(super) fn is_elsewhere(script: &Script, uri: &Uri) -> bool {
    script.only_below_v1 && !uri.path().starts_with("/v1/")
}

pub(super) fn no_route(uri: &Uri) -> Refusal {
    Refusal { status: 404, ..Refusal::bad(format!("Invalid URL ({})", uri.path())) }
}

/// The scripted refusal, then the key.
pub(super) fn admit(record: &Record, headers: &HeaderMap, key: &str) -> Result<(), Refusal> {
    if let Some(status) = record.faults.status {
        return Err(Refusal::scripted(status));
    }
    let offered = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match offered.and_then(|value| value.split_once(' ')) {
        Some((scheme, offered)) if scheme.eq_ignore_ascii_case("bearer") && offered.trim() == key => Ok(()),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => {
            record.violation("wrong API key");
            Err(Refusal::wrong_key())
        }
        _ => {
            record.violation("no bearer key");
            Err(Refusal::no_key())
        }
    }
}
