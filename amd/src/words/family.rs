//! What a pack is made of.

use serde::{Deserialize, Serialize};

use crate::class::Class;

/// How much a phrase proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// People do not say it on the telephone to who calls them.
    Strong,
    /// They may: it counts in the first six seconds, not after an answer to us, and with a second sign.
    Weak,
}

/// Phrases of one meaning.
pub struct Family {
    /// Who says them. [`Class::Human`]: what only a person says.
    pub class: Class,
    /// How surely.
    pub strength: Strength,
    /// As `pattern` reads them.
    pub phrases: &'static [&'static str],
}
