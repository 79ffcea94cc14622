//! Why a request to a server's API did not do what it should.

use serde::Deserialize;
use serde_json::Value;

/// Longest sentence of the server's that is kept, characters.
const MAX_SAID: usize = 500;
/// What the server says to every request about telephones when it runs without Redis.
const WITHOUT_REDIS: &str = "redis required";

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nothing was sent.
    #[error("no connection to LiveKit")]
    NotConnected,
    /// What was asked may have been done.
    #[error("LiveKit did not answer in time")]
    TimedOut,
    /// What was asked may have been done.
    #[error("the connection to LiveKit was cut before the answer's end")]
    Cut,
    /// What was asked may have been done.
    #[error("LiveKit's answer is too large")]
    TooLarge,
    /// What was asked was done.
    #[error("LiveKit's answer makes no sense")]
    Senseless,
    /// Key, secret or clock are not the server's. What it said of it is not kept: it repeats the token.
    #[error("LiveKit takes no token of ours: the key, the secret or the clock is another")]
    Unauthorized,
    /// The server is one, and says no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Something else answers there, or a balancer before it.
    #[error("what answers at LiveKit's address is no LiveKit server: HTTP {0}")]
    Strange(u16),
}

impl ServiceError {
    /// Whether what was asked may have been done, or was, although there is no answer that says so.
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::TimedOut | Self::Cut | Self::TooLarge | Self::Senseless => true,
            // A balancer before it that waited in vain.
            Self::Strange(status) => *status >= 500,
            Self::NotConnected | Self::Unauthorized | Self::Refused(_) => false,
        }
    }
}

/// What the server refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("LiveKit refuses ({code}): {said}", code = .code.as_str())]
pub struct Refusal {
    /// Of HTTP. 408, 412 and 429 are outcomes of calls here.
    pub status: u16,
    pub code: Code,
    /// In the server's own words.
    pub said: String,
    /// How the phone, or the carrier before it, answered. The words of HTTP and of Twirp are shared by answers that differ (486 and 480),
    /// so this alone decides about a call.
    pub sip: Option<SipStatus>,
}

/// An answer of SIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipStatus {
    pub code: u16,
    /// `Busy Here`, or `SIP_STATUS_BUSY_HERE` of a transfer.
    pub phrase: String,
}

/// Twirp's own words for what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Canceled,
    InvalidArgument,
    Malformed,
    DeadlineExceeded,
    NotFound,
    BadRoute,
    AlreadyExists,
    PermissionDenied,
    /// Of the token: it lacks the right.
    Unauthenticated,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    /// No other part of the server took the request: for telephones, no SIP gateway runs.
    Unavailable,
    Dataloss,
    Unknown,
}

const CODES: [(Code, &str); 18] = [
    (Code::Canceled, "canceled"),
    (Code::InvalidArgument, "invalid_argument"),
    (Code::Malformed, "malformed"),
    (Code::DeadlineExceeded, "deadline_exceeded"),
    (Code::NotFound, "not_found"),
    (Code::BadRoute, "bad_route"),
    (Code::AlreadyExists, "already_exists"),
    (Code::PermissionDenied, "permission_denied"),
    (Code::Unauthenticated, "unauthenticated"),
    (Code::ResourceExhausted, "resource_exhausted"),
    (Code::FailedPrecondition, "failed_precondition"),
    (Code::Aborted, "aborted"),
    (Code::OutOfRange, "out_of_range"),
    (Code::Unimplemented, "unimplemented"),
    (Code::Internal, "internal"),
    (Code::Unavailable, "unavailable"),
    (Code::Dataloss, "dataloss"),
    (Code::Unknown, "unknown"),
];

impl Code {
    pub fn as_str(self) -> &'static str {
        CODES.iter().find(|(code, _)| *code == self).map_or("unknown", |(_, word)| word)
    }

    fn of(word: &str) -> Self {
        CODES.iter().find(|(_, known)| *known == word).map_or(Self::Unknown, |(code, _)| *code)
    }
}

#[derive(Deserialize)]
struct Body {
    code: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    meta: Value,
}

impl ServiceError {
    /// Of a request that has no answer.
    pub(super) fn of(error: reqwest::Error) -> Self {
        match () {
            () if error.is_connect() => Self::NotConnected,
            () if error.is_timeout() => Self::TimedOut,
            () => Self::Cut,
        }
    }

    /// Of an answer that is no 200.
    pub(super) fn refused(status: u16, text: &[u8]) -> Self {
        match serde_json::from_slice::<Body>(text) {
            Ok(body) => Self::Refused(Box::new(body.refusal(status))),
            // Plain text.
            Err(_) if status == 401 => Self::Unauthorized,
            Err(_) => Self::Strange(status),
        }
    }

    /// What the server refused, if it answered so.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// What was asked about is not there.
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == Code::NotFound)
    }

    /// The SIP status of a call or a transfer that was not taken.
    pub fn sip_code(&self) -> Option<u16> {
        Some(self.refusal()?.sip.as_ref()?.code)
    }

    /// Nobody answered while it rang. Versions of the gateway say it in two ways: without a status of SIP, or with 408.
    pub fn is_no_answer(&self) -> bool {
        self.refusal().is_some_and(|refusal| match &refusal.sip {
            Some(sip) => sip.code == 408 || sip.code == 480,
            None => matches!(refusal.code, Code::Canceled | Code::DeadlineExceeded),
        })
    }

    /// The server runs without Redis, and so without anything for telephones. It has no code of its own.
    pub fn is_without_redis(&self) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.code == Code::Internal && refusal.said.contains(WITHOUT_REDIS))
    }

    /// No SIP gateway takes requests.
    pub fn is_without_gateway(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == Code::Unavailable)
    }

    /// Whether what was asked may have been done all the same.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Cut | Self::TooLarge | Self::Senseless)
            || matches!(self, Self::Strange(status) if *status >= 500)
    }
}

impl Body {
    fn refusal(self, status: u16) -> Refusal {
        let text = |name: &str| self.meta.get(name).and_then(Value::as_str);
        let sip = text("sip_status_code")
            .and_then(|code| code.parse().ok())
            .map(|code| SipStatus { code, phrase: kept(text("sip_status").unwrap_or_default()) });
        Refusal { status, code: Code::of(&self.code), sip, said: kept(&self.msg) }
    }
}

/// Without what a log or a terminal would obey.
fn kept(said: &str) -> String {
    said.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect()
}
