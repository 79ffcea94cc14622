//! What a model makes of a call that ended: the bot's analysis, its quality check, and which of its outcomes the call came to
//! (decision 0038). Each is a question of its own, asked by a job that the result begins. The rules of `crate::verdict` say whether
//! anything is asked, and hold what is claimed to what was said.

pub mod again;
pub mod ask;
pub mod begin;
pub mod inquiry;
pub mod job;
pub mod prompt;
pub mod schema;
pub mod summary;
pub mod values;

use std::sync::Arc;

use vox_egress::Egress;
use vox_shared::clock::Clock;

use crate::billing::budget::Purse;
use crate::crm::Crm;
use crate::jobs::relay::Relay;
use crate::store::Stores;

/// Asks models about calls. Cheap to clone.
#[derive(Clone)]
pub struct Analyst {
    pub stores: Stores,
    pub clock: Clock,
    pub egress: Arc<Egress>,
    /// What templates of prompts are filled with.
    pub crm: Crm,
    pub relay: Relay,
    pub purse: Purse,
}
