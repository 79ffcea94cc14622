//! The CRM of a bot (contracts, section 6): asked for what it knows before a call, told what came of it after. Decision 0036.

pub mod exchange;
pub mod prefetch;
pub mod push;
pub mod result;
pub mod settings;

use std::sync::Arc;

use vox_egress::Egress;
use vox_shared::clock::Clock;

use crate::auth::token::Tokens;
use crate::runtime::memory::Memory;
use crate::store::Stores;

/// What speaks to CRMs. Cheap to clone.
#[derive(Clone)]
pub struct Crm {
    pub stores: Stores,
    pub memory: Memory,
    pub clock: Clock,
    pub egress: Arc<Egress>,
    pub tokens: Arc<Tokens>,
    /// How people reach this bridge, without a '/' at the end.
    pub base_url: String,
}
