//! What a bot does when its vendors are slow or fail, beside going through its fallbacks.

use serde::{Deserialize, Serialize};

/// How a bot keeps a call alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resilience {
    /// A model that is slower than nine of ten of its answers is asked once more. Costs at most 5 % more tokens.
    pub second_requests: bool,
    /// Id or label of the transfer target who gets the caller when no recogniser, model or voice is left; empty for nobody.
    pub transfer_to: String,
}

impl Default for Resilience {
    fn default() -> Self {
        Self { second_requests: true, transfer_to: String::new() }
    }
}

/// What the bot answers to a question when no model can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommonAnswer {
    /// Ways in which callers ask it.
    pub questions: Vec<String>,
    /// A template.
    pub answer: String,
}
