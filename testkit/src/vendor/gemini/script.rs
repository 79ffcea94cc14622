//! What the scripted model answers, and how fast.

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::models::MODELS;
use super::tokens::Issued;
use crate::vendor::{
    faults::Faults,
    host::DEFAULT_API_KEY,
    model::{Reply, Rule},
};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that the Gemini API accepts.
    pub api_key: String,
    /// Models that exist; others are answered 404.
    pub models: Vec<String>,
    /// The first rule whose conditions all hold answers.
    pub rules: Vec<Rule>,
    /// The answer when no rule holds.
    pub default: Reply,
    /// From the request to its first token.
    pub first_token_ms: u64,
    /// Between tokens.
    pub per_token_ms: u64,
    /// Every answer begins with a thought, and its first call is signed; the signature must come back.
    pub thinks: bool,
    /// Calls have no ids of their own.
    pub no_ids: bool,
    /// Every answer ends so, whatever it says: `SAFETY`, `MALFORMED_FUNCTION_CALL` and the like.
    pub finish_reason: Option<String>,
    /// Vertex' tokens live so long, seconds.
    pub token_life_s: u64,
    /// Prompts of fewer tokens are not kept.
    pub least_kept_tokens: usize,
    /// What goes wrong.
    pub faults: Faults,
    /// Vertex' tokens that are good.
    #[serde(skip)]
    pub issued: Issued,
    /// Prompts that are kept.
    #[serde(skip)]
    pub kept: Kept,
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

    /// No token that was given is good any more.
    pub fn revoke_tokens(&self) {
        self.issued.revoke();
    }

    /// No prompt is kept any more.
    pub fn forget_prompts(&self) {
        self.kept.forget();
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
            no_ids: false,
            finish_reason: None,
            token_life_s: 3599,
            least_kept_tokens: 1024,
            faults: Faults::default(),
            issued: Issued::default(),
            kept: Kept::default(),
        }
    }
}
