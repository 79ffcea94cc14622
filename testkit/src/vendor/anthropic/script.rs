//! What the scripted model answers, and how fast.

use serde::{Deserialize, Serialize};

use super::{cache::Cache, models::MODELS};
use crate::vendor::{
    faults::Faults,
    host::DEFAULT_API_KEY,
    model::{Reply, Rule},
};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// Models that exist; others are answered 404. One that is not the vendor's has no rules of its own.
    pub models: Vec<String>,
    /// The first rule whose conditions all hold answers.
    pub rules: Vec<Rule>,
    /// The answer when no rule holds.
    pub default: Reply,
    /// From the request to its first token.
    pub first_token_ms: u64,
    /// Between tokens.
    pub per_token_ms: u64,
    /// Every answer begins with a thought, whatever the request says of thinking; a thought before a tool call must be sent back.
    pub thinks: bool,
    /// Every answer ends so, whatever it says: `refusal`, `pause_turn`, `max_tokens` and the like.
    pub stop_reason: Option<String>,
    /// What goes wrong.
    pub faults: Faults,
    /// What the vendor has in its prompt cache.
    #[serde(skip)]
    pub cache: Cache,
}

impl Script {
    /// A model that always says this.
    pub fn saying(text: impl Into<String>) -> Self {
        Self { default: Reply { say: text.into(), ..Reply::default() }, ..Self::default() }
    }

    /// The same script with one more rule.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            models: MODELS.iter().map(|model| model.name.to_owned()).collect(),
            rules: Vec::new(),
            default: Reply {
                say: "I heard you say: {user}. How else can I help?".into(),
                ..Reply::default()
            },
            first_token_ms: 0,
            per_token_ms: 0,
            thinks: false,
            stop_reason: None,
            faults: Faults::default(),
            cache: Cache::default(),
        }
    }
}
