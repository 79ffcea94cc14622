//! How the scripted Soniox speaks.

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
    /// An open stream that gets no text for this long is closed.
    pub text_timeout_ms: u64,
    /// A connection that hears nothing for this long is closed.
    pub idle_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            speaking: Speaking::default(),
            text_timeout_ms: 10_000,
            idle_ms: 30_000,
            faults: Faults::default(),
        }
    }
}
