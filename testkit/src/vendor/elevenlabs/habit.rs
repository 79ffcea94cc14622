//! Voices that end their replies less tidily than the vendor says.

use serde::{Deserialize, Serialize};

/// One way in which a voice departs from the vendor's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// `isFinal` never comes.
    NeverDone,
    /// `isFinal` comes as soon as what was generated has been said; text that came meanwhile is forgotten.
    EarlyFinal,
    /// A reply is done, and there was no sound of it.
    Mute,
}
