//! With what a participant leaves, and what the server is answered, when a telephone was not reached. The tables are those that were
//! measured on the vendor's gateways of May ("old") and July 2026 ("new").

use vox_livekit::Leaving;
use vox_sip::Failure;

use crate::rpc::{Code, RpcError};

/// Which set of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasons {
    /// Only busy and unavailable are told apart from a broken trunk.
    Old,
    New,
}

impl Reasons {
    pub(super) fn leaving(self, failure: &Failure) -> Leaving {
        let status = match failure {
            Failure::Refused(status) => status.code,
            Failure::NoAgreement(_) => return Leaving::UserRejected,
            Failure::NoCredentials(_) if self == Self::New => return Leaving::UserRejected,
            Failure::NoAnswer | Failure::Unreachable if self == Self::New => return Leaving::UserUnavailable,
            _ => return Leaving::SipTrunkFailure,
        };
        match (self, status) {
            (_, 486) => Leaving::UserRejected,
            (_, 480) => Leaving::UserUnavailable,
            (Self::Old, _) => Leaving::SipTrunkFailure,
            (Self::New, 404 | 408) => Leaving::UserUnavailable,
            (Self::New, 401 | 403 | 407 | 410 | 484 | 487 | 488 | 600 | 603 | 607) => Leaving::UserRejected,
            (Self::New, _) => Leaving::SipTrunkFailure,
        }
    }
}

/// What the server is answered.
pub(super) fn error(failure: &Failure) -> RpcError {
    match failure {
        Failure::Refused(status) => {
            let before = match status.code {
                404 | 480 | 486 | 488 => "INVITE failed: ",
                _ => "unexpected status from INVITE response: ",
            };
            RpcError::of_status(before, status.code, &status.reason)
        }
        Failure::NoAnswer => RpcError::new(Code::Canceled, "sip request timed out"),
        Failure::Unreachable => {
            RpcError::new(Code::Canceled, "transaction failed to complete (0 intermediate responses)")
        }
        Failure::Cancelled => RpcError::new(Code::Canceled, "the room ended before the call was answered"),
        Failure::NoCredentials(_) => RpcError::new(
            Code::FailedPrecondition,
            "sip server required auth, but no username or password was provided",
        ),
        Failure::NoAgreement(error) => RpcError::new(Code::FailedPrecondition, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use vox_sip::Status;
    use vox_sip::message::Headers;

    use super::*;

    fn refused(code: u16) -> Failure {
        Failure::Refused(Status { code, reason: "Words".to_owned(), headers: Headers::default() })
    }

    #[test]
    fn both_sets_are_those_that_were_measured() {
        use Leaving::{SipTrunkFailure as Trunk, UserRejected as Rejected, UserUnavailable as Unavailable};
        for (code, old, new) in [
            (486, Rejected, Rejected),
            (480, Unavailable, Unavailable),
            (404, Trunk, Unavailable),
            (603, Trunk, Rejected),
            (503, Trunk, Trunk),
            (408, Trunk, Unavailable),
            (302, Trunk, Trunk),
        ] {
            assert_eq!(
                (Reasons::Old.leaving(&refused(code)), Reasons::New.leaving(&refused(code))),
                (old, new),
                "{code}"
            );
        }
        assert_eq!(Reasons::Old.leaving(&Failure::NoAnswer), Trunk);
        assert_eq!(Reasons::New.leaving(&Failure::NoAnswer), Unavailable);
    }

    #[test]
    fn the_text_depends_on_the_status() {
        assert_eq!(error(&refused(404)).text, "INVITE failed: sip status: 404: Words");
        assert_eq!(
            error(&refused(603)).text,
            "unexpected status from INVITE response: sip status: 603: Words"
        );
        assert_eq!(error(&Failure::NoAnswer).status, None);
    }
}
