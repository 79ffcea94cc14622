//! What a call and its process tell each other of vendors.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::provider::FailureClass;

/// How the vendors of a call stand in this process, by what all of its calls saw. Lists are in the order of the ladders; what they do
/// not name is well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Until when a vendor's breaker is open, media time; zero where it is not.
    pub stt: Vec<Duration>,
    pub llm: Vec<Duration>,
    pub tts: Vec<Duration>,
    /// Within so long nine of ten requests to a model have their first token; `None` while too few were seen.
    pub llm_p90: Vec<Option<Duration>>,
    /// So much may be spent on second requests to models now, tokens.
    pub second_tokens: u64,
}

/// What a vendor did, for the books of the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// It answered; `after` so long where that tells how fast it is.
    Answered { after: Option<Duration> },
    /// It failed.
    Failed { class: FailureClass, retry_after: Option<Duration> },
    /// A request to a model used so many tokens. `needlessly`: of two requests it was the one that lost.
    Used { tokens: u64, needlessly: bool },
}
