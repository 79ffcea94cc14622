//! One reply of the bot on its way to the caller's ear: text, audio, and what of it was heard.

use std::collections::VecDeque;
use std::time::Duration;

use crate::provider::tts::{UtteranceId, WordMark};

/// Speech rate assumed while neither word times nor the whole audio are known, milliseconds a character.
const MS_PER_CHAR: u32 = 65;
/// A word counts as heard when this much of it may still be missing: voices mark a word's end after its last breath.
const WORD_TAIL_MS: u32 = 60;

/// Why the bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The opening message.
    Greeting,
    /// A reply of the model.
    Reply,
    /// A fixed phrase: a prompt or an excuse. The conversation goes on after it.
    Prompt,
    /// The last words: the call ends after them.
    Goodbye,
}

/// A reply in progress.
#[derive(Debug)]
pub struct Utterance {
    pub id: UtteranceId,
    pub kind: Kind,
    pub turn: u32,
    /// Pieces not yet sent to the voice.
    pub waiting: VecDeque<String>,
    /// Text sent so far.
    pub sent: String,
    /// No more text will come.
    pub text_complete: bool,
    /// The voice was told so.
    pub end_sent: bool,
    /// The voice has given all audio.
    pub audio_complete: bool,
    pub audio_ms: u32,
    pub played_ms: u32,
    pub marks: Vec<WordMark>,
    pub first_sent_at: Option<Duration>,
    pub first_audio_at: Option<Duration>,
    /// First audible sample on the wire.
    pub audible_at: Option<Duration>,
    /// First sample on the wire.
    pub started_at: Option<Duration>,
    /// A voice failed under it: this text is to be said again by the next voice when the audio at hand is played.
    pub rest: Option<String>,
    /// Text of a reply that became ready while a fixed phrase was being said: said after it.
    pub next: Option<String>,
}

impl Utterance {
    /// A reply that has no text yet.
    pub fn new(id: UtteranceId, kind: Kind, turn: u32) -> Self {
        Self {
            id,
            kind,
            turn,
            waiting: VecDeque::new(),
            sent: String::new(),
            text_complete: false,
            end_sent: false,
            audio_complete: false,
            audio_ms: 0,
            played_ms: 0,
            marks: Vec::new(),
            first_sent_at: None,
            first_audio_at: None,
            audible_at: None,
            started_at: None,
            rest: None,
            next: None,
        }
    }

    /// Audio at hand that the caller has not heard yet, milliseconds.
    pub fn ahead_ms(&self) -> u32 {
        self.audio_ms.saturating_sub(self.played_ms)
    }

    /// Everything was said and heard.
    pub fn is_finished(&self) -> bool {
        self.audio_complete && self.text_complete && self.waiting.is_empty() && self.ahead_ms() == 0
    }

    /// Something was sent to the voice, and nothing is left to play, and more must come.
    pub fn is_dry(&self) -> bool {
        !self.sent.is_empty() && !self.audio_complete && self.ahead_ms() == 0
    }

    /// Note text sent to the voice.
    pub fn add_sent(&mut self, piece: &str) {
        if !self.sent.is_empty() {
            self.sent.push(' ');
        }
        self.sent.push_str(piece);
    }

    /// What the caller has heard so far.
    pub fn heard(&self) -> String {
        if self.is_finished() {
            return self.sent.clone();
        }
        self.split(self.played_ms).0
    }

    /// What the caller has not heard, including text that was never sent.
    pub fn unheard(&self) -> String {
        let mut rest = if self.is_finished() { String::new() } else { self.split(self.played_ms).1 };
        for piece in self.waiting.iter().chain(&self.rest).chain(&self.next).filter(|p| !p.is_empty()) {
            if !rest.is_empty() {
                rest.push(' ');
            }
            rest.push_str(piece);
        }
        rest
    }

    /// The sent text cut at a place of its audio: (before, after), whole words. A word belongs to the part before when
    /// its audio ends there.
    pub fn split(&self, at_ms: u32) -> (String, String) {
        let words: Vec<&str> = self.sent.split_whitespace().collect();
        let before =
            if self.marks.is_empty() { self.estimate(&words, at_ms) } else { self.marked(&words, at_ms) };
        (words[..before].join(" "), words[before..].join(" "))
    }

    fn marked(&self, words: &[&str], at_ms: u32) -> usize {
        let heard =
            self.marks.iter().take_while(|m| m.ended_ms <= at_ms.saturating_add(WORD_TAIL_MS)).count();
        if at_ms == 0 {
            return 0;
        }
        if heard == self.marks.len() && self.audio_complete && at_ms >= self.audio_ms {
            return words.len();
        }
        // A voice may mark more words than it was given ("$5" is two): keep to the share.
        if self.audio_complete && self.marks.len() > words.len() {
            return heard * words.len() / self.marks.len();
        }
        heard.min(words.len())
    }

    fn estimate(&self, words: &[&str], at_ms: u32) -> usize {
        let chars = u32::try_from(self.sent.chars().count()).unwrap_or(u32::MAX);
        let total_ms = if self.audio_complete {
            self.audio_ms
        } else {
            chars.saturating_mul(MS_PER_CHAR).max(self.audio_ms)
        };
        if total_ms == 0 {
            return 0;
        }
        let heard_chars = u64::from(chars) * u64::from(at_ms) / u64::from(total_ms);
        let mut seen = 0u64;
        words
            .iter()
            .take_while(|w| {
                seen += w.chars().count() as u64 + 1;
                seen <= heard_chars + 1
            })
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(text: &str, audio_ms: u32, marks: &[(&str, u32, u32)]) -> Utterance {
        let mut utterance = Utterance::new(1, Kind::Reply, 1);
        utterance.add_sent(text);
        utterance.audio_ms = audio_ms;
        utterance.marks = marks
            .iter()
            .map(|(t, s, e)| WordMark { text: (*t).into(), started_ms: *s, ended_ms: *e })
            .collect();
        utterance
    }

    #[test]
    fn words_are_heard_when_their_audio_was_played() {
        let mut u =
            utterance("one two three", 900, &[("one", 0, 300), ("two", 300, 600), ("three", 600, 900)]);
        for (played, heard) in
            [(0, ""), (100, ""), (300, "one"), (590, "one two"), (700, "one two"), (900, "one two three")]
        {
            u.played_ms = played;
            assert_eq!(u.heard(), heard, "at {played}");
        }
    }

    #[test]
    fn without_marks_the_share_of_the_audio_decides() {
        let mut u = utterance("one two three four", 1_000, &[]);
        u.audio_complete = true;
        u.text_complete = true;
        u.played_ms = 500;
        assert_eq!((u.heard().as_str(), u.unheard().as_str()), ("one two", "three four"));
        u.played_ms = 1_000;
        assert_eq!(u.heard(), "one two three four");
    }

    #[test]
    fn text_that_was_never_sent_was_never_heard() {
        let mut u = utterance("one", 300, &[("one", 0, 300)]);
        u.waiting.push_back("two three".into());
        u.played_ms = 300;
        assert_eq!((u.heard().as_str(), u.unheard().as_str()), ("one", "two three"));
    }
}
