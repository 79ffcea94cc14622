//! How the scripted Cartesia speaks.

use serde::{Deserialize, Serialize};

use crate::vendor::{faults::Faults, host::DEFAULT_API_KEY, speaking::Speaking};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// How its voice speaks.
    pub speaking: Speaking,
    /// Contexts that may be at work at once.
    pub concurrency: usize,
    /// A context is given up so long after its last sound.
    pub context_expiry_ms: u64,
    /// A session that hears nothing for this long is closed.
    pub idle_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            speaking: Speaking::default(),
            concurrency: 2,
            context_expiry_ms: 1_000,
            idle_ms: 300_000,
            faults: Faults::default(),
        }
    }
}
