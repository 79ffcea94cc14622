//! What a dialler does at the moment: what the answer to "what limits this campaign now" is made of.

use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, CampaignId};

/// `POST /api/v1/dialler/ticks`, every second or two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    #[serde(default = "super::super::wire_version")]
    pub version: u32,
    pub worker: String,
    pub campaigns: Vec<CampaignTick>,
}

/// A campaign in the dialler's eyes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignTick {
    pub id: CampaignId,
    /// Lines in flight, the ringing ones among them.
    pub lines: u32,
    pub ringing: u32,
    pub limiting: Limiting,
    /// Dials of the last minute.
    #[serde(default)]
    pub dials_per_minute: f64,
    /// Expected answers of the ringing lines, and the variance.
    #[serde(default)]
    pub expected: f64,
    #[serde(default)]
    pub variance: f64,
}

/// What keeps a campaign from ringing more now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limiting {
    pub factor: Factor,
    /// For people; names no number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// See [`Limiting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// It rings as much as it may.
    Nothing,
    /// Nobody is due.
    List,
    Windows,
    Slots,
    /// Calls a second of the trunk.
    TrunkRate,
    TrunkLines,
    TenantLines,
    CampaignLines,
    /// The reserve of its pacing.
    Pacing,
    /// Too many calls were abandoned.
    Abandons,
    Breaker,
    /// The first calls are waited for.
    Canary,
    /// Other campaigns are served.
    Share,
    /// The coordination server, LiveKit or the bridge is away.
    Infrastructure,
    Draining,
    #[serde(other)]
    Other,
}

/// The bridge's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ticked {
    /// Calls to hang up: a number that must not be called any more, a campaign that was stopped.
    pub stop: Vec<AttemptId>,
    /// Campaigns of the tick that begin no new call from now on.
    pub paused: Vec<CampaignId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_of_the_first_version_is_read() {
        let tick: Tick = serde_json::from_str(include_str!("../dialler_tick_v1.golden.json")).unwrap();
        assert_eq!((tick.campaigns[0].lines, tick.campaigns[0].limiting.factor), (12, Factor::Slots));
        assert_eq!(tick.campaigns[1].limiting.factor, Factor::Other);
    }
}
