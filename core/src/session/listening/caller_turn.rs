//! The caller's turn so far: sound and words, and how far the words cover the sound.

use std::time::Duration;

use vox_shared::wire::result::{LONGEST_LINE_CHARS, Speaker, TranscriptEntry, Word};

use crate::session::event::Span;
use crate::session::report::ms;

/// Where the caller's turn stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Quiet,
    Speaking,
    /// Silence after speech: the end-of-turn timer runs.
    Paused,
    /// The turn is over; the final words are on their way.
    Deciding,
}

/// Sound of this length after the last word, in the same breath, may be a word that is not known yet.
const TAIL_WITHOUT_WORDS: Duration = Duration::from_millis(500);
/// Sound of this length after a pause may be.
const BURST_WITHOUT_WORDS: Duration = Duration::from_millis(250);
/// Words of one turn kept with their times.
const MAX_WORDS: usize = 4_000;

/// What the end of the caller's speech comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The words are complete.
    Close(&'static str),
    /// Ask for the final words, and wait for them.
    Finalise,
}

/// A turn that is over.
#[derive(Clone, Debug)]
pub struct ClosedTurn {
    pub text: String,
    pub line: TranscriptEntry,
    pub acoustic_end: Duration,
    /// Length of its speech.
    pub voiced: Duration,
    /// Where its sound lies, when the sound is all that is known of it.
    pub sound: Option<Span>,
}

/// One turn of the caller.
#[derive(Debug, Default)]
pub struct CallerTurn {
    pub state: State,
    pub finals: String,
    pub partial: String,
    pub words: Vec<Word>,
    pub confidence: Option<f32>,
    pub began: Option<Duration>,
    pub burst_since: Duration,
    pub voiced: Duration,
    /// Last audible moment of the caller's speech; stays after the turn.
    pub acoustic_end: Duration,
    /// The final words cover the sound until here.
    covered: Duration,
    /// The sound did not tell of this turn: its words did.
    pub unheard: bool,
    /// The recogniser called the utterance over, and no words followed.
    pub over: bool,
    /// The recogniser was asked in the middle of speech for the words so far, and gave none since.
    pub asked_at: Option<Duration>,
}

impl CallerTurn {
    /// All words so far.
    pub fn text(&self) -> String {
        match (self.finals.is_empty(), self.partial.is_empty()) {
            (_, true) => self.finals.clone(),
            (true, false) => self.partial.clone(),
            (false, false) => format!("{} {}", self.finals, self.partial),
        }
    }

    /// From its first sound to its last.
    pub fn span(&self) -> Option<Span> {
        self.began.map(|from| Span { from, to: self.acoustic_end.max(from) })
    }

    /// Forget it; the next turn begins from nothing.
    pub fn reset(&mut self) {
        *self = Self { acoustic_end: self.acoustic_end, burst_since: self.burst_since, ..Self::default() };
    }

    /// Words that will not change, come at `now`.
    pub fn add_final(&mut self, text: &str, words: Vec<Word>, confidence: Option<f32>, now: Duration) {
        // Nothing after all is believed of a word, and not of a sentence: some recognisers answer so when they are hurried.
        if !text.is_empty() || self.partial.split_whitespace().nth(1).is_none() {
            self.partial.clear();
        }
        let until = words.last().map_or(now, |w| Duration::from_millis(w.ended_ms));
        self.covered = self.covered.max(until.min(now));
        if text.is_empty() {
            return;
        }
        let room = LONGEST_LINE_CHARS.saturating_sub(self.finals.chars().count());
        if room > 1 {
            if !self.finals.is_empty() {
                self.finals.push(' ');
            }
            self.finals.extend(text.chars().take(room - 1));
        }
        let room = MAX_WORDS.saturating_sub(self.words.len());
        self.words.extend(words.into_iter().take(room));
        self.confidence = confidence.or(self.confidence);
    }

    /// Words that may still change.
    pub fn set_partial(&mut self, text: &str) {
        self.partial = text.chars().take(LONGEST_LINE_CHARS).collect();
    }

    /// Sound after the last final words that is long enough to be a word.
    pub fn has_sound_without_words(&self) -> bool {
        if self.unheard || self.acoustic_end <= self.covered {
            return false;
        }
        if self.burst_since >= self.covered {
            self.acoustic_end.saturating_sub(self.burst_since) >= BURST_WITHOUT_WORDS
        } else {
            self.acoustic_end - self.covered >= TAIL_WITHOUT_WORDS
        }
    }

    /// The recogniser says that there are no more words in the sound.
    pub fn believe_words(&mut self) {
        self.covered = self.covered.max(self.acoustic_end);
    }

    /// The turn as a line of the transcript.
    pub fn line(&self, turn: u32, text: String, now: Duration) -> TranscriptEntry {
        let ended = if self.state == State::Speaking { now } else { self.acoustic_end };
        TranscriptEntry {
            turn,
            speaker: Speaker::Caller,
            text,
            confidence: self.confidence,
            started_ms: ms(self.began.unwrap_or(ended)),
            ended_ms: ms(ended.max(self.began.unwrap_or_default())),
            interrupted: false,
            words: self.words.clone(),
            bot_id: None,
        }
    }
}
