//! The vendor's error answers.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::vendor::{
    host::{Record, add_retry_after},
    observe::Ending,
};

/// One error with its status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// A request that is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", message: message.into() }
    }

    pub(crate) fn no_key() -> Self {
        Self { status: 401, kind: "authentication_error", message: "x-api-key header is required".into() }
    }

    pub(crate) fn wrong_key() -> Self {
        Self { message: "invalid x-api-key".into(), ..Self::no_key() }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self { status: 404, kind: "not_found_error", message: what.into() }
    }

    /// The refusal that a fault scripts.
    pub(crate) fn scripted(status: u16) -> Self {
        let (kind, message) = match status {
            401 => return Self::wrong_key(),
            402 => ("billing_error", "Your credit balance is too low to access the API."),
            403 => {
                ("permission_error", "Your API key does not have permission to use the specified resource.")
            }
            413 => ("request_too_large", "Request exceeds the maximum allowed number of bytes."),
            429 => ("rate_limit_error", "This request would exceed your organization's rate limit."),
            504 => ("timeout_error", "The request timed out while processing."),
            503 | 529 => ("overloaded_error", "Overloaded"),
            _ => ("api_error", "Internal server error"),
        };
        Self { status, kind, message: message.into() }
    }

    /// The error object, as it stands in a body and in a stream that breaks off.
    pub(crate) fn body(&self) -> Value {
        json!({"type": "error", "error": {"type": self.kind, "message": self.message}})
    }

    pub(crate) fn respond(&self, record: &Record, id: &str) -> Response {
        record.status(self.status);
        record.ended(Ending::Answered);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = self.body();
        body["request_id"] = format!("req_{}", id.replace('-', "")).into();
        let mut response = (status, axum::Json(body)).into_response();
        add_headers(response.headers_mut(), id, record);
        add_retry_after(response.headers_mut(), &record.faults);
        let retried = matches!(self.status, 408 | 409 | 429 | 500..);
        let word = HeaderValue::from_static(if retried { "true" } else { "false" });
        response.headers_mut().insert("x-should-retry", word);
        response
    }
}

/// The headers of every answer of the vendor.
pub(crate) fn add_headers(headers: &mut HeaderMap, id: &str, record: &Record) {
    if let Ok(id) = HeaderValue::from_str(&format!("req_{}", id.replace('-', ""))) {
        headers.insert("request-id", id);
    }
    let left = if record.faults.status == Some(429) { "0" } else { "3999" };
    for (name, value) in [
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", left),
        ("anthropic-ratelimit-requests-reset", "2026-11-30T00:00:01Z"),
        ("anthropic-ratelimit-input-tokens-limit", "2000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-30T00:00:01Z"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
