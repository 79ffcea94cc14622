//! A request of an API, as a careful server reads it.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query, as it was written on the line.
    pub path: String,
    pub idempotency_key: Option<String>,
    /// Null where there was none.
    pub body: Value,
    /// What it was refused for, with 400.
    pub faults: Vec<String>,
}

impl Asked {
    /// It must have `key` as a bearer token, and JSON where there is a body.
    pub(crate) fn read(key: &str, (method, uri, headers): (&Method, &Uri, &HeaderMap), body: &Bytes) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut faults = Vec::new();
        if text(header::AUTHORIZATION.as_str()) != Some(format!("Bearer {key}")) {
            faults.push("the key is wrong".to_owned());
        }
        let parsed = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok() };
        let is_said = text(header::CONTENT_TYPE.as_str()).as_deref() == Some("application/json");
        if parsed.is_none() || (!body.is_empty() && !is_said) {
            faults.push("the body is no JSON".into());
        }
        Self {
            method: method.to_string(),
            path: uri.to_string(),
            idempotency_key: text("idempotency-key"),
            body: parsed.unwrap_or_default(),
            faults,
        }
    }
}
