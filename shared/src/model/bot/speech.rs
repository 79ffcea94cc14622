//! How a bot's words are spoken, and which it may not say or must say.

use serde::{Deserialize, Serialize};

/// Whether numbers, money, dates and the like are written out for the voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpokenForms {
    /// Unless the voice does that by itself.
    #[default]
    Auto,
    On,
    Off,
}

/// A word that the voice is given otherwise than it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pronunciation {
    /// A whole word, or several with single spaces.
    pub word: String,
    /// What is said for it. Empty only where every voice of the bot takes phonetic signs.
    pub say: String,
    /// How it sounds in signs of the International Phonetic Alphabet, for voices that take them; the others have `say`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ipa: String,
    /// Only for bots that speak this language (a tag); empty for all.
    pub language: String,
}

/// What a bot may not say, and what it must.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guardrails {
    pub forbidden: Vec<Forbidden>,
    pub required: Vec<Required>,
    /// Said in place of a sentence that is forbidden, where its rule has no line of its own; empty takes a stock phrase in the language
    /// that is spoken.
    pub replacement: String,
}

impl Guardrails {
    pub fn is_empty(&self) -> bool {
        self.forbidden.is_empty() && self.required.is_empty()
    }
}

/// Words, or all that belongs to a topic, that must not be said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forbidden {
    /// In events.
    pub name: String,
    /// As [`crate::phrases`] reads them.
    pub phrases: Vec<String>,
    /// Said in place of the sentence; empty takes the one of all rules.
    pub replacement: String,
}

/// Words that must be said once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Required {
    /// In events.
    pub name: String,
    pub text: String,
    /// Before the bot says one of these phrases.
    pub before: Vec<String>,
    /// With the reply to the caller's so-many-th turn at the latest.
    pub within_turns: Option<u32>,
}
