//! What a call that failed is answered with.

use prost::Message as _;

use super::{Any, SipStatus};

/// psrpc's codes, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Canceled,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    DeadlineExceeded,
    Unauthenticated,
    OutOfRange,
    Internal,
    MalformedRequest,
}

impl Code {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unauthenticated => "unauthenticated",
            Self::OutOfRange => "out_of_range",
            Self::Internal => "internal",
            Self::MalformedRequest => "malformed_request",
        }
    }

    /// The code of a call that a telephone refused, by the table that LiveKit's `protocol` has.
    fn of_status(status: u16) -> Self {
        match status {
            301 | 302 | 404 | 410 | 481 | 604 => Self::NotFound,
            401 | 402 | 403 | 433 | 470 | 603 | 607 | 608 => Self::PermissionDenied,
            407 | 428 | 436 | 437 | 438 | 494 => Self::Unauthenticated,
            408 | 504 => Self::DeadlineExceeded,
            409 | 412 | 482 | 483 => Self::FailedPrecondition,
            416 => Self::OutOfRange,
            440 | 480 | 486 | 600 => Self::ResourceExhausted,
            487 | 491 => Self::Aborted,
            505 | 513 => Self::InvalidArgument,
            500..600 => Self::FailedPrecondition,
            _ => Self::InvalidArgument,
        }
    }
}

/// An error of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RpcError {
    pub code: Code,
    pub text: String,
    pub status: Option<SipStatus>,
}

impl RpcError {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), status: None }
    }

    /// Of a status that a telephone answered. `before` is what stands before it in the text.
    pub(crate) fn of_status(before: &str, status: u16, reason: &str) -> Self {
        let reason = if reason.is_empty() { vox_sip::message::phrase(status) } else { reason };
        Self {
            code: Code::of_status(status),
            text: format!("{before}sip status: {status}: {reason}"),
            status: Some(SipStatus { code: i32::from(status), status: reason.to_owned() }),
        }
    }

    pub(super) fn details(&self) -> Vec<Any> {
        let detail = |status: &SipStatus| Any {
            type_url: "type.googleapis.com/livekit.SIPStatus".to_owned(),
            value: status.encode_to_vec(),
        };
        self.status.iter().map(detail).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the vendor's gateway was seen to answer.
    #[test]
    fn codes_are_those_that_were_measured() {
        for (status, code) in [
            (486, "resource_exhausted"),
            (480, "resource_exhausted"),
            (600, "resource_exhausted"),
            (404, "not_found"),
            (410, "not_found"),
            (302, "not_found"),
            (603, "permission_denied"),
            (403, "permission_denied"),
            (607, "permission_denied"),
            (503, "failed_precondition"),
            (500, "failed_precondition"),
            (408, "deadline_exceeded"),
            (487, "aborted"),
            (488, "invalid_argument"),
            (484, "invalid_argument"),
        ] {
            assert_eq!(Code::of_status(status).name(), code, "{status}");
        }
        let error = RpcError::of_status("INVITE failed: ", 486, "Busy Here");
        assert_eq!(error.text, "INVITE failed: sip status: 486: Busy Here");
        assert_eq!(error.details()[0].value, b"\x08\xe6\x03\x12\x09Busy Here");
    }
}
