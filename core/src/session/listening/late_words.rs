//! Words that come when the turn they belong to was closed already, on an interim.

use std::time::Duration;

use vox_shared::wire::result::Word;

use crate::session::words::{common, words};

/// So long after its end words may belong to a turn that was followed by more speech, where they have no times to tell it by.
const LATE: Duration = Duration::from_secs(4);
/// Words come at most this much later than the turn was closed; what comes then is said now.
const LATEST: Duration = Duration::from_secs(5);
/// Words that begin this much after the turn's last sound are none of it: the detector's times and the recogniser's differ by
/// less.
const AFTER_THE_END: Duration = Duration::from_secs(1);
/// So many of a hundred words at the beginning must be the interim's for the text to be a longer form of it.
const SAME_SHARE: usize = 75;

/// What words of the recogniser come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWords {
    /// The turn before was closed on an interim; these are its words in full.
    pub late: Option<Amended>,
    /// The open turn has new words.
    pub open: bool,
}

/// The last turn's words, as they were counted and as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    pub before: String,
    pub whole: String,
}

/// A turn that was closed on an interim.
#[derive(Clone, Debug)]
pub struct Closed {
    pub finals: String,
    pub partial: String,
    pub text: String,
    /// Its last sound.
    pub ended: Duration,
    pub at: Duration,
}

/// A text in its two parts: the closed turn's, and that of the speech which followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    pub own: String,
    /// Words with times that are the closed turn's.
    pub own_words: usize,
    pub next: String,
}

/// Whether the text is what the interim was on its way to.
pub fn continues(text: &str, interim: &str) -> bool {
    let (text, interim) = (words(text), words(interim));
    !interim.is_empty() && common(&text, &interim) * 2 >= interim.len()
}

impl Closed {
    /// Whether more of its words may come.
    pub fn is_recent(&self, now: Duration) -> bool {
        now <= self.at + LATEST
    }

    /// Final words that came behind this turn: those that belong to it, and those of the speech that followed, which began at
    /// `next_since`, if there was any.
    pub fn part(&self, text: &str, times: &[Word], next_since: Option<Duration>) -> Parted {
        let Some(since) = next_since else {
            return self.all_or_nothing(text, times);
        };
        if times.is_empty() {
            return self.part_by_words(text, since);
        }
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let own_words = times.iter().take_while(|w| w.started_ms.midpoint(w.ended_ms) <= since).count();
        let join = |words: &[Word]| words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        let (own, next) = match own_words {
            0 => (String::new(), text.to_owned()),
            all if all == times.len() => (text.to_owned(), String::new()),
            some => (join(&times[..some]), join(&times[some..])),
        };
        Parted { own, own_words, next }
    }

    /// The detector heard nothing since; a faint word may have come all the same.
    fn all_or_nothing(&self, text: &str, times: &[Word]) -> Parted {
        let begun = |first: &Word| Duration::from_millis(first.started_ms);
        if times.first().is_none_or(|first| begun(first) <= self.ended + AFTER_THE_END) {
            return Parted { own: text.to_owned(), own_words: times.len(), next: String::new() };
        }
        Parted { own: String::new(), own_words: 0, next: text.to_owned() }
    }

    /// The same by what the text looks like: it may begin with the interim's words.
    pub fn part_by_words(&self, text: &str, next_since: Duration) -> Parted {
        let (said, known) = (words(text), words(&self.partial));
        let begun = &said[..said.len().min(known.len())];
        let is_late = next_since <= self.at + LATE && !begun.is_empty();
        if !is_late || common(begun, &known) * 100 < known.len() * SAME_SHARE {
            return Parted { own: String::new(), own_words: 0, next: text.to_owned() };
        }
        // Signs that stand alone are no words, and stay with the one before them.
        let (mut own, mut next, mut count) = (Vec::new(), Vec::new(), 0);
        for word in text.split_whitespace() {
            count += words(word).len();
            if count <= known.len() { own.push(word) } else { next.push(word) }
        }
        Parted { own: own.join(" "), own_words: 0, next: next.join(" ") }
    }

    /// What the turn's words are with this text, if that is new. It takes the interim's place, or follows it.
    pub fn amend(&self, text: &str) -> Option<Amended> {
        let known = if continues(text, &self.partial) { &self.finals } else { &self.text };
        let whole = if known.is_empty() { text.to_owned() } else { format!("{known} {text}") };
        let (before, after) = (words(&self.text), words(&whole));
        (before != after).then(|| Amended { before: self.text.clone(), whole })
    }

    /// An interim that came late has more of the words.
    pub fn grow(&mut self, text: &str) -> Option<Amended> {
        if words(text).len() <= words(&self.partial).len() {
            return None;
        }
        let amended = self.amend(text)?;
        text.clone_into(&mut self.partial);
        self.text.clone_from(&amended.whole);
        Some(amended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_over_two_turns_is_parted_by_its_times_and_else_by_its_words() {
        let partial = "I need an appointment".to_owned();
        let (ended, at) = (Duration::from_secs(2), Duration::from_secs(3));
        let closed = Closed { finals: String::new(), text: partial.clone(), partial, ended, at };
        let times = |words: &str| -> Vec<Word> {
            let word = |(n, text): (u64, &str)| Word {
                text: text.to_owned(),
                started_ms: n * 400,
                ended_ms: n * 400 + 300,
            };
            (0..).zip(words.split_whitespace()).map(word).collect()
        };
        let text = "I need an appointment, for Monday.";
        let check = |text: &str, times: &[Word], since_ms: u64, own: &str, next: &str| {
            let parted = closed.part(text, times, Some(Duration::from_millis(since_ms)));
            assert_eq!((parted.own.as_str(), parted.next.as_str()), (own, next), "{text} {since_ms}");
        };
        check(text, &times(text), 1_600, "I need an appointment,", "for Monday.");
        check(text, &times(text), 5_000, text, "");
        check(text, &times(text), 0, "", text);
        check(text, &[], 4_000, "I need an appointment,", "for Monday.");
        check(text, &[], 9_000, "", text);
        check("Hello there.", &[], 4_000, "", "Hello there.");
    }
}
