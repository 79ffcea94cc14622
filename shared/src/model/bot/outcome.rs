//! What a call of the bot may come to, and what must have been said for it to count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something that a call may come to. A model says that it did, and on which words that rests; a rule holds it to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// `promise_to_pay`.
    pub name: String,
    /// For the model: when the call came to this.
    #[serde(default)]
    pub description: String,
    /// Whose words it rests on.
    #[serde(default)]
    pub speaker: OutcomeSpeaker,
    /// Words of which one at least must be in the utterance that it rests on.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Words of which none may be in it.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The call's disposition once it is proven; the first one counts.
    #[serde(default)]
    pub disposition: Option<String>,
    #[serde(default)]
    pub fields: Vec<OutcomeField>,
}

/// Who must have said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeSpeaker {
    #[default]
    Caller,
    /// A person who took over from the bot.
    Agent,
}

/// A value that belongs to an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeField {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: OutcomeFieldKind,
    /// For the model.
    #[serde(default)]
    pub description: String,
    /// Whether the outcome is unproven without it.
    #[serde(default = "yes")]
    pub required: bool,
    /// Of the type `choice`: each value with the words that stand for it.
    #[serde(default)]
    pub choices: BTreeMap<String, Vec<String>>,
}

/// What a value is, and so what must have been said for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeFieldKind {
    /// Money, with hundredths at most.
    Amount,
    Number,
    /// `2026-12-05`; said as a date, a weekday, or counted from the day of the call.
    Date,
    /// The words themselves.
    Text,
    /// One of `choices`.
    Choice,
}

impl OutcomeFieldKind {
    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Number => "number",
            Self::Date => "date",
            Self::Text => "text",
            Self::Choice => "choice",
        }
    }
}

fn yes() -> bool {
    true
}
