//! Final words that come when the turn they belong to was closed already, on an interim.

use std::time::Duration;

use vox_shared::wire::result::Word;

use super::caller_turn::CallerTurn;
use crate::session::words::{common, words};

/// Final words come at most this much later than the turn was closed; what comes then is said now.
const LATEST: Duration = Duration::from_secs(5);
/// Words that begin this much after the turn's last sound are none of it: the detector's times and the recogniser's differ by
/// less.
const AFTER_THE_END: Duration = Duration::from_secs(1);

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
}

/// A turn that was closed on an interim.
#[derive(Clone, Debug)]
struct Closed {
    finals: String,
    partial: String,
    text: String,
    /// Its last sound.
    ended: Duration,
    closed_at: Duration,
}

/// The turn before, as long as words of it may come.
#[derive(Clone, Debug, Default)]
pub struct LastTurn(Option<Closed>);

impl LastTurn {
    /// This turn is closed now. One whose words are final waits for nothing.
    pub fn of(turn: &CallerTurn, now: Duration) -> Self {
        Self((!turn.partial.is_empty()).then(|| Closed {
            finals: turn.finals.clone(),
            partial: turn.partial.clone(),
            text: turn.text(),
            ended: turn.acoustic_end,
            closed_at: now,
        }))
    }

    /// Whether an interim is one of this turn's.
    pub fn owns_partial(&self, text: &str, now: Duration) -> bool {
        self.0.as_ref().is_some_and(|l| l.is_recent(now) && continues(text, &l.partial))
    }

    /// What a final is for this turn; `None` when it is none of its words. `next_since` says when the caller's next speech
    /// began, if it did.
    pub fn take_final(
        &mut self,
        text: &str,
        times: &[Word],
        next_since: Option<Duration>,
        now: Duration,
    ) -> Option<FinalWords> {
        let last = self.0.take().filter(|l| l.is_recent(now))?;
        if text.is_empty() {
            let waits = next_since.is_none();
            self.0 = Some(last).filter(|_| waits);
            return waits.then_some(FinalWords::Nothing);
        }
        last.owns(text, times, next_since).then(|| last.amend(text))
    }
}

/// Whether the final text is what the interim was on its way to.
fn continues(text: &str, interim: &str) -> bool {
    let (text, interim) = (words(text), words(interim));
    !interim.is_empty() && common(&text, &interim) * 2 >= interim.len()
}

impl Closed {
    fn is_recent(&self, now: Duration) -> bool {
        now <= self.closed_at + LATEST
    }

    /// Whether a final belongs to this turn.
    fn owns(&self, text: &str, times: &[Word], next_since: Option<Duration>) -> bool {
        match (next_since, times.last()) {
            // The detector heard nothing since; a faint word may have come all the same.
            (None, _) => times
                .first()
                .is_none_or(|first| Duration::from_millis(first.started_ms) <= self.ended + AFTER_THE_END),
            (Some(since), Some(last)) => Duration::from_millis(last.ended_ms) <= since,
            (Some(_), None) => continues(text, &self.partial),
        }
    }

    /// What the turn's words are with this final.
    fn amend(&self, text: &str) -> FinalWords {
        // It takes the interim's place, or follows it.
        let known = if continues(text, &self.partial) { &self.finals } else { &self.text };
        let whole = if known.is_empty() { text.to_owned() } else { format!("{known} {text}") };
        let (before, after) = (words(&self.text), words(&whole));
        if before == after {
            return FinalWords::Nothing;
        }
        FinalWords::LastTurn(Amended { before: self.text.clone(), whole })
    }
}
