//! What a dialler tells of an attempt: committed, live, aborted, ended, adopted, recovered, lost. Each carries the epoch under which it was
//! claimed or taken over; another is answered 409 `fenced`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::claim::Reason;
use crate::ids::{AttemptId, CampaignId, SessionId};
use crate::redact::Redacted;

/// `POST /api/v1/dialler/attempts/{id}/commit`: the last look before the dial; answered with [`Commit`]. The same body is that of `adopt`
/// and `recover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fenced {
    pub epoch: u32,
}

/// Whether the dial is made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "then", rename_all = "snake_case")]
pub enum Commit {
    /// At once, and once.
    Dial,
    /// Nothing is committed: so many calls were dialled just now. Commit again after this time, within the claim's deadline.
    Wait { wait_ms: u64, reason: Reason },
}

/// `POST /api/v1/dialler/attempts/{id}/live`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub epoch: u32,
    pub answered_at: Timestamp,
}

/// `POST /api/v1/dialler/attempts/{id}/abort`: nothing was dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abort {
    pub epoch: u32,
    pub why: Why,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Why nothing was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The room could not be made.
    Room,
    /// The worker did not take the call.
    Attach,
    /// The worker was not ready in time.
    NotReady,
    /// The commit was refused, or not answered.
    Commit,
    /// The dialler ends, or its campaign was paused.
    Drain,
    /// Its trunk fails, which was not known when it was claimed.
    Trunk,
}

/// What became of the dial, in the dialler's eyes. Of a call that was answered the worker's result says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It was answered; how it went is the worker's to tell.
    Answered,
    NoAnswer,
    Busy,
    Unavailable,
    Declined,
    /// 603 of a network that blocks the number that is shown.
    BlockedAnalytics,
    /// 607
    Unwanted,
    /// 608
    RejectedByAnalytics,
    InvalidNumber,
    Forbidden,
    Auth,
    MediaMismatch,
    Network,
    Congestion,
    Throttled,
    /// 482, 483
    Loop,
    BlockedDest,
    /// The request was not sent: nothing rang.
    Infra,
    /// It rang and was taken back by us: a pause, or the end of the dialler.
    Cancelled,
}

impl Ending {
    pub const ALL: [Self; 19] = [
        Self::Answered,
        Self::NoAnswer,
        Self::Busy,
        Self::Unavailable,
        Self::Declined,
        Self::BlockedAnalytics,
        Self::Unwanted,
        Self::RejectedByAnalytics,
        Self::InvalidNumber,
        Self::Forbidden,
        Self::Auth,
        Self::MediaMismatch,
        Self::Network,
        Self::Congestion,
        Self::Throttled,
        Self::Loop,
        Self::BlockedDest,
        Self::Infra,
        Self::Cancelled,
    ];

    /// The word on the wire, in reports and figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Declined => "declined",
            Self::BlockedAnalytics => "blocked_analytics",
            Self::Unwanted => "unwanted",
            Self::RejectedByAnalytics => "rejected_by_analytics",
            Self::InvalidNumber => "invalid_number",
            Self::Forbidden => "forbidden",
            Self::Auth => "auth",
            Self::MediaMismatch => "media_mismatch",
            Self::Network => "network",
            Self::Congestion => "congestion",
            Self::Throttled => "throttled",
            Self::Loop => "loop",
            Self::BlockedDest => "blocked_dest",
            Self::Infra => "infra",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What the carrier said, as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<u16>,
    /// The reason phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// The `Reason` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q850: Option<u16>,
    /// LiveKit's words, or the reason of the participant's leaving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_text: Option<String>,
    /// `Retry-After`, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u32>,
    /// Headers that carriers add.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// `POST /api/v1/dialler/attempts/{id}/result`: the dial, or the call, is over. It may be told again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultRequest {
    pub epoch: u32,
    pub ending: Ending,
    #[serde(default)]
    pub carrier: Carrier,
    /// From the dial to the answer or the end.
    pub ring_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    pub ended_at: Timestamp,
}

/// What is noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultNoted {
    /// The attempt's result, if it has one by now: of an answered call it may come with the worker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// When the contact is rung again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// `POST /api/v1/dialler/recoveries`: what an owner before left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveriesRequest {
    pub worker: String,
    pub campaign: CampaignId,
    pub partition: u32,
    /// The owner's of now. Attempts of lower ones are told.
    pub epoch: u32,
}

/// Attempts that are not over and whose owner is gone; 200 at most, and the rest when these are done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recoveries {
    pub attempts: Vec<Recovery>,
}

/// An attempt that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    pub attempt: AttemptId,
    pub room: String,
    pub status: Stage,
    pub epoch: u32,
    pub number: Redacted<String>,
    pub session_id: SessionId,
    pub claimed_at: Timestamp,
    /// None when it was not committed: nothing was dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_at: Option<Timestamp>,
    /// When it was answered, if that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// Longest call, seconds.
    pub max_secs: u32,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Claimed,
    Dialing,
    Live,
    Recovering,
    Done,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Dialing => "dialing",
            Self::Live => "live",
            Self::Recovering => "recovering",
            Self::Done => "done",
        }
    }
}

/// `POST /api/v1/dialler/attempts/{id}/lost`: its room is gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub epoch: u32,
    /// Whether a telephone was ever in the room.
    pub joined: Joined,
}

/// Whether a telephone was in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joined {
    Yes,
    No,
    Unknown,
}

/// Most calls of one [`PermitsRequest`]; whoever has more sends several.
pub const MAX_PERMITS: usize = 2_000;

/// `POST /api/v1/dialler/permits/renew`: these calls run. Every 15 s; what is not renewed for 45 s is free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermitsRequest {
    /// [`MAX_PERMITS`] at most.
    pub attempts: Vec<AttemptId>,
}

/// Those that are over in the bridge's eyes: they are to end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PermitsRenewed {
    pub gone: Vec<AttemptId>,
}

/// Most rooms of one [`RoomsRequest`]; whoever found more sends several.
pub const MAX_ROOMS: usize = 1_000;

/// `POST /api/v1/dialler/rooms`: rooms that the media server has and that are named like attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomsRequest {
    /// [`MAX_ROOMS`] at most.
    pub attempts: Vec<AttemptId>,
}

/// What there should be no room of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoomsSeen {
    /// These attempts are over, and occupy nothing any more.
    pub over: Vec<AttemptId>,
    /// These are none of this deployment.
    pub unknown: Vec<AttemptId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_the_first_version_is_read() {
        let told: ResultRequest =
            serde_json::from_str(include_str!("../dialler_result_v1.golden.json")).unwrap();
        assert_eq!((told.epoch, told.ending, told.carrier.sip), (7, Ending::Busy, Some(486)));
        assert_eq!(told.carrier.headers["X-Carrier"], "a");
    }

    #[test]
    fn a_recovery_does_not_show_its_number() {
        let told: Recoveries =
            serde_json::from_str(include_str!("../dialler_recoveries_v1.golden.json")).unwrap();
        assert_eq!((told.attempts[0].status, told.attempts[0].dial_at.is_some()), (Stage::Dialing, true));
        assert!(!format!("{told:?}").contains("4915112345678"));
    }

    #[test]
    fn an_ending_has_one_word_everywhere() {
        for ending in Ending::ALL {
            assert_eq!(serde_json::to_value(ending).unwrap(), ending.as_str());
        }
    }
}
