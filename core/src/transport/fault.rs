//! What a codec says of a message that it does not take.

use super::reason::Reason;
use super::untidy::Untidy;

/// The message is left out, or the call ends for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This message is left out.
    Dropped(Untidy),
    /// The protocol is broken for good: the call ends.
    Fatal(Reason),
}

impl From<Untidy> for Fault {
    fn from(untidy: Untidy) -> Self {
        Self::Dropped(untidy)
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Fatal(reason)
    }
}
