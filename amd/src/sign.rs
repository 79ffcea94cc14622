//! What the rules see of a call.

use serde::{Deserialize, Serialize};

use crate::model::ModelSays;
use crate::tone::SitKind;

/// One thing that was noticed, and when (milliseconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign(pub u32, pub What);

/// What was noticed. Names are short in records: two kilobytes hold a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// The line carries sound for the first time: carriers send up to 7.5 s of digital silence before.
    #[serde(rename = "on")]
    FirstSound,
    /// Somebody speaks, since then.
    #[serde(rename = "b")]
    Began(u32),
    /// Nobody has spoken since then.
    #[serde(rename = "e")]
    Ended(u32),
    /// What had begun is a tone.
    #[serde(rename = "x")]
    Retracted,
    /// A beep that ended then: its end, length and frequency.
    #[serde(rename = "beep")]
    Beep {
        /// Milliseconds.
        ended: u32,
        /// Milliseconds.
        length: u32,
        /// Hz.
        hertz: u32,
    },
    /// A carrier's three tones.
    #[serde(rename = "sit")]
    Sit(SitKind),
    /// A fax.
    #[serde(rename = "fax")]
    Fax,
    /// A busy line.
    #[serde(rename = "busy")]
    Busy,
    /// Ringing.
    #[serde(rename = "ring")]
    Ringback,
    /// Music.
    #[serde(rename = "music")]
    Music,
    /// Words that may still change; they replace those before that could.
    #[serde(rename = "w")]
    Interim(String),
    /// Words as they stay. Empty: the recogniser heard something and understood nothing.
    #[serde(rename = "W")]
    Final(String),
    /// Our audio begins.
    #[serde(rename = "we")]
    WeSpeak,
    /// It ends; with a question or not.
    #[serde(rename = "we_end")]
    WeEnd {
        /// Whether an answer is due.
        asked: bool,
    },
    /// The small model's opinion.
    #[serde(rename = "model")]
    Model {
        /// Of whom.
        says: ModelSays,
        /// Its probability in per cent.
        percent: u8,
        /// It came too late for a first verdict.
        late: bool,
    },
}
