//! How the scripted Sarvam speaks.

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
            idle_ms: 60_000,
            faults: Faults::default(),
        }
    }
}
