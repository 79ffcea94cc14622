//! How the scripted speech server speaks.

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
    /// Whether a key is asked for.
    pub needs_key: bool,
    /// The routes are below `/v1` only.
    pub only_below_v1: bool,
    /// Models that exist.
    pub models: Vec<String>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            speaking: Speaking::default(),
            needs_key: true,
            only_below_v1: false,
            models: ["gpt-4o-mini-tts", "tts-1", "tts-1-hd"].map(str::to_owned).to_vec(),
            faults: Faults::default(),
        }
    }
}
