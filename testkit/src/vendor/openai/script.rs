//! What the scripted model answers, and how fast.

use serde::{Deserialize, Serialize};

use super::habit::Habit;
use crate::vendor::{
    faults::Faults,
    host::DEFAULT_API_KEY,
    model::{Reply, Rule},
};

/// Names the server answers to, unless the script lists its own.
const MODELS: &[&str] = &[
    "gpt-6.1-sol",
    "gpt-6.1-terra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-5.6-sol",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-5.5",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.1",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4o",
    "gpt-4o-mini",
    "openai/gpt-oss-120b",
    "openai/gpt-oss-20b",
    "llama-3.3-70b-versatile",
    "llama-3.1-8b-instant",
];

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
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
    /// How the server departs from the vendor's own.
    pub habits: Vec<Habit>,
    /// Serve the routes below `/v1` only, as most servers do.
    pub only_below_v1: bool,
    /// Refuse top-level fields that the vendor does not document.
    pub strict_fields: bool,
    /// Fields that this server does not know, though the vendor does; `response_format.json_schema` is the form of that name.
    pub unknown_fields: Vec<String>,
    /// What goes wrong.
    pub faults: Faults,
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
            models: MODELS.iter().map(|&name| name.to_owned()).collect(),
            rules: Vec::new(),
            default: Reply {
                say: "I heard you say: {user}. How else can I help?".into(),
                ..Reply::default()
            },
            first_token_ms: 0,
            per_token_ms: 0,
            habits: Vec::new(),
            only_below_v1: false,
            strict_fields: false,
            unknown_fields: Vec::new(),
            faults: Faults::default(),
        }
    }
}
