//! Final words that come when the turn they belong to was closed already, on an interim.

use std::time::Duration;

use vox_shared::wire::result::Word;

use crate::session::words::{common, words};

/// What final words come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinalWords {
    /// None, or known already.
    Nothing,
    /// Words of the open turn.
    Words,
    /// The turn before was closed on an interim; these are its words in full.
    LastTurn(Amended),
}

/// The last turn's words, as they were counted and as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    pub before: String,
    pub whole: String,
    /// There are words that the interim had not.
    pub added: bool,
}

/// A turn that was closed on an interim.
#[derive(Clone, Debug)]
pub struct Closed {
    pub finals: String,
    pub partial: String,
    pub text: String,
}

/// Whether the final text is what the interim was on its way to.
pub fn continues(text: &str, interim: &str) -> bool {
    let (text, interim) = (words(text), words(interim));
    !interim.is_empty() && common(&text, &interim) * 2 >= interim.len()
}

impl Closed {
    /// Whether a final belongs to this turn. `next_since` says when the caller's next speech began, if it did.
    pub fn owns(&self, text: &str, times: &[Word], next_since: Option<Duration>) -> bool {
        match (next_since, times.last()) {
            // Nothing was said since.
            (None, _) => true,
            (Some(since), Some(last)) => Duration::from_millis(last.ended_ms) <= since,
            (Some(_), None) => continues(text, &self.partial),
        }
    }

    /// What the turn's words are with this final.
    pub fn amend(&self, text: &str) -> FinalWords {
        // It takes the interim's place, or follows it.
        let known = if continues(text, &self.partial) { &self.finals } else { &self.text };
        let whole = if known.is_empty() { text.to_owned() } else { format!("{known} {text}") };
        let (before, after) = (words(&self.text), words(&whole));
        if before == after {
            return FinalWords::Nothing;
        }
        FinalWords::LastTurn(Amended { before: self.text.clone(), added: after.len() > before.len(), whole })
    }
}
