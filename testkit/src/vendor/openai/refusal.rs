//! The vendor's error answers.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::vendor::{
    faults::Faults,
    host::{Record, add_retry_after},
    observe::Ending,
};

/// One error body with its status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
}

impl Refusal {
    /// A 400 for the field at `param`.
    pub(crate) fn invalid(
        param: impl Into<String>,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            message: message.into(),
            param: Some(param.into()),
            code,
        }
    }

    /// A 400 that names no field.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self { param: None, ..Self::invalid("", None, message) }
    }

    pub(crate) fn no_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header \
                       using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        Self { status: 401, ..Self::bad(message) }
    }

    pub(crate) fn wrong_key() -> Self {
        let message = "Incorrect API key provided. You can find your API key in your account settings.";
        Self { status: 401, code: Some("invalid_api_key"), ..Self::bad(message) }
    }

    pub(crate) fn no_model(model: &str) -> Self {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        Self { status: 404, code: Some("model_not_found"), ..Self::bad(message) }
    }

    /// The refusal that a fault scripts.
    pub(crate) fn scripted(status: u16) -> Self {
        let (kind, code, message) = match status {
            401 => return Self::wrong_key(),
            402 => (
                "insufficient_quota",
                Some("insufficient_quota"),
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            403 => (
                "invalid_request_error",
                Some("unsupported_country_region_territory"),
                "Country, region, or territory not supported.",
            ),
            429 => (
                "requests",
                Some("rate_limit_exceeded"),
                "Rate limit reached for requests. Please try again later.",
            ),
            503 => ("server_error", None, "The engine is currently overloaded, please try again later."),
            _ => ("server_error", None, "The server had an error while processing your request."),
        };
        Self { status, kind, message: message.into(), param: None, code }
    }

    /// The error object, as it stands in a body and in a broken-off stream.
    pub(crate) fn body(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }

    /// Answer with it. Statuses that are retried say so in the vendor's own headers.
    pub(crate) fn respond(&self, record: &Record, request_id: &str) -> Response {
        record.status(self.status);
        record.ended(Ending::Answered);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.body())).into_response();
        add_headers(response.headers_mut(), request_id, record);
        add_retry(response.headers_mut(), self, &record.faults);
        response
    }
}

fn add_retry(headers: &mut HeaderMap, refusal: &Refusal, faults: &Faults) {
    add_retry_after(headers, faults);
    let retried = matches!(refusal.status, 408 | 409 | 429 | 500..);
    let worth_it = retried && refusal.code != Some("insufficient_quota");
    headers.insert("x-should-retry", HeaderValue::from_static(if worth_it { "true" } else { "false" }));
}

/// The headers of every answer of the vendor.
pub(crate) fn add_headers(headers: &mut HeaderMap, request_id: &str, record: &Record) {
    if let Ok(id) = HeaderValue::from_str(&format!("req_{}", request_id.replace('-', ""))) {
        headers.insert("x-request-id", id);
    }
    headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
    headers.insert("openai-processing-ms", HeaderValue::from(record.began.elapsed().as_millis() as u64));
    for (name, value) in [
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "2000000"),
        ("x-ratelimit-remaining-requests", if record.faults.status == Some(429) { "0" } else { "9999" }),
        ("x-ratelimit-remaining-tokens", "1999000"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", "30ms"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
