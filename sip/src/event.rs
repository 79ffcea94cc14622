//! What happens in a call.

use crate::message::Headers;
use crate::sdp::NoAgreement;

/// One thing that happened in a call, in its order. [`Failed`](Self::Failed) and [`Ended`](Self::Ended) are the last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A call of ours rings, or is on its way: a status from 101 to 199.
    Progress(Status),
    /// A call of ours was answered. Sound flows.
    Answered(Status),
    /// A call to us, which we answered, is set up on the other side too.
    Confirmed,
    /// The first sound of the other side came.
    Heard,
    /// A key was pressed: one of `0123456789*#ABCD`.
    Key(char),
    /// The other side put us on hold, or took us off it.
    Held(bool),
    /// How a transfer goes that we asked for.
    Transfer(Transfer),
    /// A call of ours was not answered.
    Failed(Failure),
    /// A call is over.
    Ended(Ending),
}

/// An answer's number, its words, and all that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: u16,
    pub reason: String,
    pub headers: Headers,
}

/// What became of a transfer (RFC 3515).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// The other side tries it.
    Accepted,
    /// What it hears from the new one: 100 to 199.
    Progress { code: u16, reason: String },
    /// The new one answered.
    Done,
    /// The other side does not try it, or the new one did not take the call. The call goes on.
    Failed { code: u16, reason: String },
    /// Nothing was answered.
    NoAnswer,
}

/// Why a call of ours was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was refused with a status of 300 to 699: busy, declined, unknown, …
    Refused(Status),
    /// It rang as long as it was allowed to.
    NoAnswer,
    /// Nobody said anything, or the network has no way.
    Unreachable,
    /// We gave it up.
    Cancelled,
    /// A password is asked for, and none was given.
    NoCredentials(Status),
    /// It was answered with sound that we do not have.
    NoAgreement(NoAgreement),
}

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The other side hung up; what `Reason` says, if it is there.
    Remote { reason: Option<String> },
    /// We did.
    Local,
    /// The caller gave up before we answered.
    Cancelled,
    /// We refused it.
    Refused,
    /// No sound came for too long.
    MediaLost,
    /// What we answered was never acknowledged.
    Unacknowledged,
    /// The other side did not say in time that it is still there (RFC 4028), or does not know of the call any more.
    Lost,
    /// Its events were not read.
    ReaderTooSlow,
}
