//! What a dialler asks of the bridge: `/api/v1/dialler/…`, with the secret of the workers. The bridge has all state and decides whether a
//! number may be rung; a dialler paces, makes rooms and dials. All times are UTC; epochs and beats only ever rise.

pub mod attempt;
pub mod claim;
pub mod lease;
pub mod tick;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{BotId, CampaignId, ContactId, TenantId};
use lease::Partition;

/// Most candidates of one answer.
pub const MAX_CANDIDATES: usize = 200;

/// The answer of `GET /api/v1/dialler/campaigns`: those of all tenants that have something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignsNow {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    /// The bridge's clock.
    pub at: Timestamp,
    /// Diallers that have renewed within the last 15 s, also those that hold nothing yet: partitions are shared among them.
    #[serde(default)]
    pub diallers: Vec<String>,
    pub campaigns: Vec<CampaignNow>,
}

/// Whether a campaign begins new calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    Running,
    /// No new call; what runs goes on.
    Draining,
}

/// A campaign as a dialler needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignNow {
    pub id: CampaignId,
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    pub state: Doing,
    /// Its share beside the other campaigns.
    pub weight: u32,
    pub pacing: Pacing,
    /// How long a telephone rings, seconds.
    pub ring_secs: u32,
    /// The outcomes of its first calls are waited for: so many lines may be on at once, of all diallers together. None once they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_left: Option<u32>,
    /// Outcomes so far since it was started last.
    pub outcomes: u64,
    /// 1 when the time of any contact has come, whatever its clock says, and 0 when nobody's has: lists are long, and not counted for this.
    pub due: u64,
    /// Number of partitions; they count from 0.
    pub partitions: u32,
    pub leases: Vec<Partition>,
    pub statistics: Statistics,
}

/// How many lines are rung at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As [`Mode::Progressive`], for contacts that a person let through one by one.
    Preview,
    /// One free slot for each ringing line.
    Progressive,
    /// Expected answers and four standard deviations are held back.
    #[default]
    Reserve,
    /// So many lines for each free slot.
    Power,
    /// As many lines as keep abandoned calls at the target.
    Predictive,
    /// So many calls a minute, and no more than one for each free slot.
    Rate,
}

/// How a campaign is paced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pacing {
    pub mode: Mode,
    /// Of [`Mode::Power`]: lines for each free slot, 1 to 2.
    pub ratio: f64,
    /// Of [`Mode::Predictive`] and [`Mode::Power`]: share of abandoned calls among those that people answered, 0.02 for 2 %.
    pub target: f64,
    /// Standard deviations that [`Mode::Reserve`] holds back.
    pub reserve_sigma: f64,
    /// Of [`Mode::Rate`]: calls that are begun in a minute, of all diallers together.
    #[serde(default)]
    pub per_minute: f64,
    /// Lines at once, ringing and talking.
    pub max_lines: u32,
    /// Calls that may talk at once, which the ringing lines share: what the vendors' plans and the machines carry. None: as many as lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The share of abandoned calls is so high that nothing but one line for each free slot is allowed now.
    #[serde(default)]
    pub hard_stop: bool,
}

/// What is known of a campaign's calls: what a dialler that knows nothing begins with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Attempts of the last 24 hours that have an outcome.
    pub outcomes: u64,
    /// Of them: a person answered (or it is not known that it was a machine).
    pub humans: u64,
    /// A machine answered.
    pub machines: u64,
    /// It failed at once: busy, no such number, the network.
    pub failed: u64,
    /// Mean length of the calls that people answered, seconds; none while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_secs: Option<f64>,
    /// Calls of the last 30 days that people answered, and those of them that were abandoned.
    pub answered_30d: u64,
    pub abandoned_30d: u64,
    /// Of today, UTC.
    pub answered_today: u64,
    pub abandoned_today: u64,
}

/// `POST /api/v1/dialler/candidates`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidatesRequest {
    pub campaign: CampaignId,
    pub partitions: Vec<u32>,
    /// [`MAX_CANDIDATES`] at most.
    pub limit: usize,
}

/// Whom to ring next, the first first. It promises nothing: a claim looks at everything again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidates {
    pub contacts: Vec<Candidate>,
}

/// A contact whose time has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub id: ContactId,
    pub partition: u32,
    /// 0 a call-back that was promised, 1 its window closes within 45 minutes, 2 tried before, 3 fresh.
    pub class: u32,
    /// When it may not be rung any more: its window closes, or it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Timestamp>,
    /// The greater the sooner.
    pub prio: u32,
    pub next_at: Timestamp,
}

/// What an error says that a dialler has to tell apart: `code` of the bridge's usual error body.
pub mod codes {
    /// 409: the epoch is not the contact's or the partition's any more. Delete the room and walk away.
    pub const FENCED: &str = "fenced";
    /// 409 of a commit: the campaign does not run any more.
    pub const PAUSED: &str = "paused";
    /// 409 of a commit: the number may not be rung any more. Nothing was dialled.
    pub const BARRED: &str = "barred";
    /// 409: somebody else has the lease.
    pub const LEASE_TAKEN: &str = "lease_taken";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn campaigns_of_the_first_version_are_read() {
        let now: CampaignsNow =
            serde_json::from_str(include_str!("dialler_campaigns_v1.golden.json")).unwrap();
        let campaign = &now.campaigns[0];
        assert_eq!((campaign.state, campaign.pacing.mode), (Doing::Running, Mode::Reserve));
        assert_eq!((campaign.pacing.hard_stop, campaign.canary_left), (false, Some(2)));
        assert_eq!((campaign.leases[0].epoch, campaign.leases[0].owner.as_deref()), (7, Some("dialler-1")));
        assert_eq!((campaign.statistics.talk_secs, campaign.statistics.abandoned_30d), (None, 2));
    }
}
