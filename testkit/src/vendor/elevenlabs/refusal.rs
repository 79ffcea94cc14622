//! What the vendor says when it objects: an error frame and close 1008 on a WebSocket, `detail` over HTTP.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::vendor::{
    faults::Faults,
    host::{Record, add_retry_after},
    observe::Ending,
};

/// The WebSocket close code for every objection of the vendor.
pub(crate) const POLICY: u16 = 1008;

/// An objection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) error: &'static str,
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn new(error: &'static str, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }

    pub(crate) fn wrong_key() -> Self {
        Self::new("invalid_api_key", "Invalid API key")
    }

    pub(crate) fn no_key() -> Self {
        Self::new(
            "needs_authorization",
            "Neither authorization header nor xi-api-key received, please provide one.",
        )
    }

    /// The frame sent before the close.
    pub(crate) fn frame(&self) -> Value {
        json!({"message": self.message, "error": self.error, "code": POLICY})
    }

    /// The same objection as an HTTP answer.
    pub(crate) fn respond(&self, status: u16, record: &Record) -> Response {
        answer(status, json!({"detail": {"status": self.error, "message": self.message}}), record)
    }
}

/// 422: a body or query that does not fit the schema.
pub(crate) fn unprocessable(loc: &[&str], msg: &str, record: &Record) -> Response {
    record.violation(format!("refused request: {}: {msg}", loc.join(".")));
    answer(422, json!({"detail": [{"loc": loc, "msg": msg, "type": "value_error"}]}), record)
}

/// The refusal that a fault scripts.
pub(crate) fn scripted(status: u16, record: &Record) -> Response {
    let trouble = match status {
        401 => Trouble::wrong_key(),
        402 => Trouble::new("quota_exceeded", "This request exceeds your quota."),
        403 => {
            Trouble::new("only_for_creator+", "This feature is only available for Creator tier and above.")
        }
        429 => Trouble::new(
            "too_many_concurrent_requests",
            "Too many concurrent requests. Your current subscription is associated with a maximum of 5 concurrent requests.",
        ),
        503 => Trouble::new(
            "system_busy",
            "We are currently experiencing heavy traffic, please try again later.",
        ),
        _ => Trouble::new("internal_server_error", "An internal server error occurred."),
    };
    trouble.respond(status, record)
}

fn answer(status: u16, body: Value, record: &Record) -> Response {
    record.status(status);
    record.ended(Ending::Answered);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body)).into_response();
    let faults: &Faults = &record.faults;
    add_retry_after(response.headers_mut(), faults);
    response
}
