//! What went wrong on the far side, in classes that a caller can act on.

use std::time::Duration;

/// What a vendor's failure means for the caller of the trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Wrong or missing key: permanent.
    Unauthorised,
    /// The request is wrong: permanent.
    Refused,
    /// Too many requests or no credit.
    OverLimit,
    /// The answer could not be understood.
    Malformed,
    /// No connection, cut, or a 5xx.
    Unavailable,
    /// A deadline passed.
    TimedOut,
    /// The address is not allowed by the deployment's egress policy.
    Forbidden,
    /// Something the local machine lacks (an engine, a model file).
    NotInstalled,
}

impl FailureClass {
    /// The class as a word for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorised => "unauthorised",
            Self::Refused => "refused",
            Self::OverLimit => "over_limit",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Forbidden => "forbidden",
            Self::NotInstalled => "not_installed",
        }
    }

    /// Whether the same request may work if it is tried again.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::OverLimit | Self::Malformed | Self::Unavailable | Self::TimedOut)
    }
}

/// A vendor failed. `detail` is for logs and the call's events; it holds no key and no spoken word.
#[derive(Clone, Debug, PartialEq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{class:?}: {detail}")]
pub struct Failure {
    pub class: FailureClass,
    pub detail: String,
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without a retry hint.
    pub fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into(), retry_after: None }
    }
}
