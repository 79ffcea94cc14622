//! Who owns which partition. No clock is shared: an owner adds to the beat, and whoever sees neither epoch nor beat change for long enough
//! by its own clock takes the partition over, which raises the epoch. Every later write carries the epoch.

use serde::{Deserialize, Serialize};

use crate::ids::CampaignId;

/// A partition of a campaign, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub partition: u32,
    /// None when nobody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// 0 while nobody ever had it.
    pub epoch: u32,
    pub beat: u32,
}

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Held {
    pub campaign: CampaignId,
    pub partition: u32,
    pub epoch: u32,
}

/// Most leases of one [`RenewRequest`]; whoever holds more sends several.
pub const MAX_HELD: usize = 2_000;

/// `POST /api/v1/dialler/leases/renew`: add one to the beat of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// The dialler's name: one process, never used again after it ended.
    pub worker: String,
    /// [`MAX_HELD`] at most.
    pub held: Vec<Held>,
}

/// Those that somebody else has now: stop at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Renewed {
    pub lost: Vec<Held>,
}

/// What was seen last of a lease that is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub epoch: u32,
    pub beat: u32,
}

/// `POST /api/v1/dialler/leases/take`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeRequest {
    pub worker: String,
    pub campaign: CampaignId,
    pub partition: u32,
    /// None for one that nobody has.
    #[serde(default)]
    pub seen: Option<Seen>,
}

/// The epoch under which it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenLease {
    pub epoch: u32,
}

/// `POST /api/v1/dialler/leases/release`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    pub worker: String,
    #[serde(flatten)]
    pub held: Held,
}
