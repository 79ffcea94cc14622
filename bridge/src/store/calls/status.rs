//! Where a call stands.

use serde::{Deserialize, Serialize};
use vox_shared::wire::result::DisconnectedBy;

use crate::store::engine::{Text, holds};

/// Where a call stands, derived from `disconnected_by` once it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Config fetched, no result yet.
    Started,
    /// Somebody was talked to.
    Completed,
    /// It rang, or was taken, and nobody spoke; or nobody was there to answer.
    NoAnswer,
    Busy,
    /// The callee, or the carrier for it, declined.
    Rejected,
    /// A machine answered.
    Voicemail,
    Failed,
}

impl CallStatus {
    /// The status that an ending means.
    pub fn of(end: DisconnectedBy) -> Self {
        use DisconnectedBy as End;
        match end {
            End::Bot | End::Customer | End::Timeout | End::TransferToAgent => Self::Completed,
            End::Rnr | End::NoAnswer | End::OutsideHours => Self::NoAnswer,
            End::Busy => Self::Busy,
            End::Rejected => Self::Rejected,
            End::Voicemail => Self::Voicemail,
            End::Error | End::WorkerLost => Self::Failed,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Completed => "completed",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Rejected => "rejected",
            Self::Voicemail => "voicemail",
            Self::Failed => "failed",
        }
    }
}

holds! { Text: CallStatus => |status| status.as_str().into(); }
