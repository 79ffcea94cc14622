//! How a LiveKit server says no: Twirp's errors, and what it makes of the answers of SIP. The tables are those that were measured on the
//! vendor's servers and gateways (`docs/sip.md`).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: &'static str,
    pub said: String,
    /// What the far end answered, if one was asked.
    pub sip: Option<(u16, String)>,
}

impl Fault {
    pub(super) fn new(code: &'static str, said: impl Into<String>) -> Self {
        Self { code, said: said.into(), sip: None }
    }

    /// A field that the method wants and has not.
    pub(super) fn invalid(said: impl Into<String>) -> Self {
        Self::new("invalid_argument", said)
    }

    pub(super) fn not_found() -> Self {
        Self::new("not_found", "object cannot be found")
    }

    /// Of what goes through the SIP gateway: its errors are told in the server's.
    pub(super) fn of_gateway(code: &'static str, said: &str) -> Self {
        Self::new(code, format!("twirp error unknown: {said}"))
    }

    /// The far end refused the call.
    pub(super) fn of_sip(status: u16, phrase: &str) -> Self {
        let before = match status {
            404 | 480 | 486 | 488 => "INVITE failed",
            _ => "unexpected status from INVITE response",
        };
        let said = format!("{before}: sip status: {status}: {phrase}");
        Self { sip: Some((status, phrase.to_owned())), ..Self::of_gateway(code_of(status), &said) }
    }

    fn status(&self) -> StatusCode {
        let status = match self.code {
            "canceled" | "deadline_exceeded" => 408,
            "invalid_argument" | "malformed" | "out_of_range" => 400,
            "unauthenticated" => 401,
            "permission_denied" => 403,
            "not_found" | "bad_route" => 404,
            "aborted" | "already_exists" => 409,
            "failed_precondition" => 412,
            "resource_exhausted" => 429,
            "unimplemented" => 501,
            "unavailable" => 503,
            _ => 500,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut body = json!({"code": self.code, "msg": self.said});
        if let Some((status, phrase)) = &self.sip {
            body["meta"] = json!({"sip_status_code": status.to_string(), "sip_status": phrase});
        }
        (self.status(), Json(body)).into_response()
    }
}

/// The code of an answer of SIP.
fn code_of(status: u16) -> &'static str {
    match status {
        301 | 302 | 404 | 410 | 481 | 604 => "not_found",
        401 | 402 | 403 | 433 | 470 | 603 | 607 | 608 => "permission_denied",
        407 | 428 | 436 | 437 | 438 | 494 => "unauthenticated",
        408 | 504 => "deadline_exceeded",
        409 | 412 | 482 | 483 => "failed_precondition",
        416 => "out_of_range",
        440 | 480 | 486 | 600 => "resource_exhausted",
        487 | 491 => "aborted",
        505 | 513 => "invalid_argument",
        500..600 => "failed_precondition",
        _ => "invalid_argument",
    }
}

/// With which reason the telephone leaves its room then.
pub(super) fn leaving(status: u16) -> &'static str {
    match status {
        404 | 408 | 480 => "USER_UNAVAILABLE",
        401 | 403 | 407 | 410 | 484 | 486..=488 | 600 | 603 | 607 => "USER_REJECTED",
        _ => "SIP_TRUNK_FAILURE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_sip_are_told_as_the_vendors_are() {
        for (status, phrase, http, code, said) in [
            (486, "Busy Here", 429, "resource_exhausted", "INVITE failed: sip status: 486: Busy Here"),
            (404, "Not Found", 404, "not_found", "INVITE failed: sip status: 404: Not Found"),
            (
                603,
                "Decline",
                403,
                "permission_denied",
                "unexpected status from INVITE response: sip status: 603: Decline",
            ),
            (
                503,
                "Out",
                412,
                "failed_precondition",
                "unexpected status from INVITE response: sip status: 503: Out",
            ),
        ] {
            let fault = Fault::of_sip(status, phrase);
            assert_eq!((fault.status().as_u16(), fault.code), (http, code));
            assert_eq!(fault.said, format!("twirp error unknown: {said}"));
        }
        assert_eq!(
            (leaving(486), leaving(408), leaving(503)),
            ("USER_REJECTED", "USER_UNAVAILABLE", "SIP_TRUNK_FAILURE")
        );
    }
}
