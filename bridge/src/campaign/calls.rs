//! The bridge's side of what diallers do: leases, candidates, claims, commits, results and recoveries. A dialler is believed nothing but
//! what happened to its calls: whether a number may be rung is decided here, each time anew.

mod answer;
mod board;
mod caller;
mod canary;
mod candidates;
mod cards;
mod claim;
mod commit;
mod complete;
mod cooling;
mod ended;
mod leases;
mod ledger;
mod lines;
mod permitted;
mod recover;
mod refusals;
mod scrub;
mod upkeep;
mod word;

use std::sync::Arc;

use rand::random;
use tokio::sync::Notify;
use vox_shared::clock::Clock;
use vox_shared::ids::{AttemptId, CampaignId, ContactId};

use crate::billing::budget::Purse;
use crate::billing::gate::Gate;
use crate::config::CampaignLimits;
use crate::coordination::Coordination;
use crate::fleet::reserve::Fleet;
use crate::metrics::Metrics;
use crate::runtime::memory::Memory;
use crate::store::attempts::Attempt;
use crate::store::campaigns::Campaign;
use crate::store::{Stamp, StoreError, Stored, Stores};

pub use board::Board;
pub use caller::Line;
pub use cards::{CardError, Next, Nothing};
pub use leases::pacing;
pub use permitted::ToldTick;
pub use word::{opted_out, word_of};

/// What a rehearsal goes by too.
pub(super) mod rules {
    pub(in crate::campaign) use super::caller::{choose, lines_of};
    pub(in crate::campaign) use super::canary::{Canary, Seen};
    pub(in crate::campaign) use super::claim::CLAIM_FOR;
    pub(in crate::campaign) use super::ledger::is_too_many;
    pub(in crate::campaign) use super::lines::{
        LINE_FOR, Whose, ask_of_a_call, ask_of_a_turn, refusal, rooms, shown,
    };
}

/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 12;

/// Places and follows the calls of campaigns. Cheap to clone.
#[derive(Clone)]
pub struct CallDesk {
    pub stores: Stores,
    pub memory: Memory,
    pub clock: Clock,
    pub coordination: Arc<dyn Coordination>,
    pub fleet: Fleet,
    pub gate: Gate,
    pub purse: Purse,
    pub metrics: Arc<Metrics>,
    pub limits: CampaignLimits,
    pub board: Board,
    /// An event was stored.
    pub stored: Arc<Notify>,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("there is no such campaign")]
    UnknownCampaign,
    #[error("there is no such attempt")]
    UnknownAttempt,
    #[error(
        "the epoch is not that of the attempt or of the partition any more: delete the room and walk away"
    )]
    Fenced,
    #[error("the campaign does not run")]
    Paused,
    #[error("the number may not be rung any more; nothing was dialled")]
    Barred,
    #[error("somebody else has the lease")]
    LeaseTaken,
    #[error("there is no partition {0} in this campaign")]
    NoPartition(u32),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CallDesk {
    fn now(&self) -> Stamp {
        Stamp(self.clock.now())
    }

    /// As it is now: whether it runs is never remembered.
    async fn campaign(&self, id: &CampaignId) -> Result<Stored<Campaign>, CallError> {
        self.stores.all_campaigns().find_campaign(id).await?.ok_or(CallError::UnknownCampaign)
    }

    async fn attempt(&self, id: &AttemptId) -> Result<Stored<Attempt>, CallError> {
        self.stores.all_attempts().find_attempt(id).await?.ok_or(CallError::UnknownAttempt)
    }
}

/// The attempt of a contact with that number.
fn attempt_id(contact: &ContactId, att: u32) -> AttemptId {
    format!("{contact}.{att}").parse().expect("both parts are ids, and short")
}

/// From 0 to below 1.
fn draw() -> f64 {
    random::<f64>()
}
