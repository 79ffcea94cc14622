//! Who has answered, as the session is told.

use serde::{Deserialize, Serialize};

use crate::provider::llm::LlmUsage;

/// Who has answered a call that was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    Person,
    Voicemail,
    /// A telephone that asks who calls, and may pass the call on.
    Screening,
    /// A menu or a queue.
    Menu,
    /// The carrier's words, a fax, a busy line: there is nobody to talk to.
    Nobody,
    /// It rings on: a company's own telephones, somewhere behind the line that was answered.
    Rings,
    /// Nobody has spoken yet. The bot says something.
    Silence,
    /// It could not be found out in time. It is taken for a person.
    Unsure,
}

impl Answered {
    /// For the call's events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "a person",
            Self::Voicemail => "a voicemail",
            Self::Screening => "a telephone that asks who calls",
            Self::Menu => "a menu",
            Self::Nobody => "tones or an announcement",
            Self::Rings => "ringing",
            Self::Silence => "silence",
            Self::Unsure => "not found out",
        }
    }
}

/// What the detector has found. A verdict may be corrected by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweringEvent {
    Verdict {
        answered: Answered,
        /// For the call's events.
        because: String,
    },
    /// A machine has greeted, and is silent for so long that no beep may come.
    GreetingEnded,
    /// The bot's first model is asked who has answered.
    Asked,
    /// What that used: in tokens, where the vendor says it, and in characters that the model was told and has written.
    Used { usage: Option<LlmUsage>, told: u64, written: u64 },
}
