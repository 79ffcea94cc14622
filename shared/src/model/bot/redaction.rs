//! What of a conversation is hidden, and from whom.

use serde::{Deserialize, Serialize};

/// What may be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// The number of a payment card.
    Card,
    /// Its security code.
    Cvv,
    /// A password that is good once.
    Otp,
    Pin,
    /// The number of an Indian resident.
    Aadhaar,
    /// The number of an Indian taxpayer.
    Pan,
    /// An account's number.
    Iban,
    Email,
    Phone,
}

/// Where words leave a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sink {
    /// Requests to the language model.
    Model,
    /// The transcript: the worker's journal, the record, all that is made of it.
    Transcript,
    /// Events of the record, and what went wrong.
    Events,
    /// What is told while the call runs.
    Live,
    Webhook,
    Crm,
    /// The worker's log, with its spans.
    Log,
    /// The recording: a tone over the words.
    Recording,
}

/// What is hidden, and where. Nothing is without a kind; without a list of sinks it is hidden in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redaction {
    pub kinds: Vec<Hidden>,
    pub sinks: Vec<Sink>,
}

impl Hidden {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Card,
        Self::Cvv,
        Self::Otp,
        Self::Pin,
        Self::Aadhaar,
        Self::Pan,
        Self::Iban,
        Self::Email,
        Self::Phone,
    ];

    /// The word of the setting.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Cvv => "cvv",
            Self::Otp => "otp",
            Self::Pin => "pin",
            Self::Aadhaar => "aadhaar",
            Self::Pan => "pan",
            Self::Iban => "iban",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// What stands in its place.
    pub fn mark(self) -> String {
        format!("[{}]", self.as_str())
    }
}

impl Sink {
    /// Every sink.
    pub const ALL: [Self; 8] = [
        Self::Model,
        Self::Transcript,
        Self::Events,
        Self::Live,
        Self::Webhook,
        Self::Crm,
        Self::Log,
        Self::Recording,
    ];
}

impl Redaction {
    /// Whether anything is hidden there.
    pub fn covers(&self, sink: Sink) -> bool {
        !self.kinds.is_empty() && self.sinks.contains(&sink)
    }

    /// Whether anything is hidden anywhere.
    pub fn is_on(&self) -> bool {
        !self.kinds.is_empty() && !self.sinks.is_empty()
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self { kinds: Vec::new(), sinks: Sink::ALL.to_vec() }
    }
}
