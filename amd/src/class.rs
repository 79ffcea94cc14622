//! Verdicts.

use serde::{Deserialize, Serialize};

use crate::tone::SitKind;

/// Who has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A person.
    Human,
    /// A machine that takes messages, of the callee or of the carrier.
    Voicemail,
    /// The telephone or the carrier asks who calls, and why, for a person who may listen.
    Screening,
    /// A menu, an assistant or a queue of a company.
    Ivr,
    /// The carrier says that nobody can be reached: no such number, switched off, all circuits busy.
    Carrier,
    /// A fax, a modem, or the tones of ringing and busy after the answer.
    Tone,
    /// Nobody has spoken yet. The bot may say "hello?" once; what follows corrects it.
    Silent,
    /// Nothing was certain by the deadline. To be treated as a person.
    Unsure,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Human,
        Self::Voicemail,
        Self::Screening,
        Self::Ivr,
        Self::Carrier,
        Self::Tone,
        Self::Silent,
        Self::Unsure,
    ];

    /// Whether it is certain enough to be no person.
    pub const fn is_machine(self) -> bool {
        !matches!(self, Self::Human | Self::Silent | Self::Unsure)
    }

    /// As it is written in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Voicemail => "voicemail",
            Self::Screening => "screening",
            Self::Ivr => "ivr",
            Self::Carrier => "carrier",
            Self::Tone => "tone",
            Self::Silent => "silent",
            Self::Unsure => "unsure",
        }
    }
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Somebody spoke for so long and has waited for so long.
    Silence {
        /// Length of what was said, milliseconds.
        block_ms: u32,
        /// How long nothing followed, milliseconds.
        silence_ms: u32,
    },
    /// A phrase was said.
    Keyword {
        /// As it stands in its pack.
        phrase: String,
    },
    /// It spoke without a pause.
    LongSpeech {
        /// For so long, milliseconds.
        ms: u32,
    },
    /// It beeped.
    Beep,
    /// A carrier's three tones.
    Sit(SitKind),
    /// A fax or a modem.
    Fax,
    /// The tone of a busy line, or of full circuits.
    Busy,
    /// It still rings, or it has begun to.
    Ringback,
    /// Music, and no words.
    Music,
    /// Nobody spoke in time.
    NoSpeech,
    /// The whole time was over.
    Deadline,
    /// The small model says so, and something else does too.
    Model,
    /// It rang as long as machines let it ring, and nobody has reacted to our question.
    NoReaction {
        /// For so long, milliseconds.
        ms: u32,
    },
    /// A person spoke after a machine had.
    HandedOver,
    /// A rule of the old world ([`crate::Mode::Cadence`]), by its name there.
    Cadence(String),
}

/// Who has answered, since when that is known, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who.
    pub class: Class,
    /// When it was decided.
    pub at_ms: u32,
    /// Why.
    pub because: Because,
    /// It may still be corrected.
    pub provisional: bool,
    /// The class before, of a correction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Class>,
}

/// What the detector tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The first verdict.
    Verdict(Verdict),
    /// Another than before.
    Corrected(Verdict),
    /// A beep has ended: a message may begin 250 ms later.
    Beep {
        /// When it ended.
        ended_ms: u32,
        /// Its length.
        length_ms: u32,
        /// Its frequency, Hz.
        hertz: u32,
    },
    /// A machine has greeted for two seconds and more and is silent for two: no beep may come at all.
    GreetingEnd {
        /// When that was clear.
        at_ms: u32,
    },
    /// Nothing will be corrected any more.
    Settled(Verdict),
}
