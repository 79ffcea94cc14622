//! Google's error answers.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::vendor::{host::Record, observe::Ending};

/// One error with its status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) status: &'static str,
    pub(crate) message: String,
    /// The reason of an `ErrorInfo`.
    pub(crate) reason: Option<&'static str>,
}

impl Refusal {
    /// A request that is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { code: 400, status: "INVALID_ARGUMENT", message: message.into(), reason: None }
    }

    /// A field that the vendor does not have.
    pub(crate) fn unknown(name: &str, place: &str) -> Self {
        let at = if place.is_empty() { String::new() } else { format!(" at '{place}'") };
        Self::invalid(format!(
            "Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field."
        ))
    }

    pub(crate) fn no_key() -> Self {
        let message = "Method doesn't allow unregistered callers (callers without established identity).";
        Self { code: 403, status: "PERMISSION_DENIED", message: message.into(), reason: None }
    }

    pub(crate) fn wrong_key() -> Self {
        let message = "API key not valid. Please pass a valid API key.";
        Self { reason: Some("API_KEY_INVALID"), ..Self::invalid(message) }
    }

    pub(crate) fn wrong_token() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
        let reason = Some("ACCESS_TOKEN_EXPIRED");
        Self { code: 401, status: "UNAUTHENTICATED", message: message.into(), reason }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self { code: 404, status: "NOT_FOUND", message: what.into(), reason: None }
    }

    /// The refusal that a fault scripts.
    pub(crate) fn scripted(code: u16) -> Self {
        let (status, message) = match code {
            401 => return Self::wrong_token(),
            402 | 400 => ("FAILED_PRECONDITION", "Please enable billing on the project."),
            403 => ("PERMISSION_DENIED", "Permission denied on the resource."),
            429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
            503 | 529 => ("UNAVAILABLE", "The model is overloaded. Please try again later."),
            504 => ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
            _ => ("INTERNAL", "An internal error has occurred. Please retry."),
        };
        Self { code, status, message: message.into(), reason: None }
    }

    /// The error object; `wait_ms` is when to try again.
    pub(crate) fn body(&self, wait_ms: Option<u64>) -> Value {
        let mut details: Vec<Value> = Vec::new();
        if let Some(reason) = self.reason {
            let kind = "type.googleapis.com/google.rpc.ErrorInfo";
            details.push(json!({"@type": kind, "reason": reason, "domain": "googleapis.com"}));
        }
        if let Some(wait_ms) = wait_ms {
            let delay = format!("{}s", wait_ms as f64 / 1000.0);
            details.push(json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}));
        }
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if !details.is_empty() {
            error["details"] = details.into();
        }
        json!({ "error": error })
    }

    pub(crate) fn respond(&self, record: &Record) -> Response {
        record.status(self.code);
        record.ended(Ending::Answered);
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait_ms = record.faults.status.and(record.faults.retry_after_ms);
        (status, axum::Json(self.body(wait_ms))).into_response()
    }
}
