//! How much speech a recogniser may leave without a result before it counts as silent, by what it says of speech while that goes on
//! (decision 0068).

use std::time::Duration;

use vox_shared::catalogue::Rhythm;

/// One that tells of all audio hears nothing when it says nothing of so much speech; one that was asked for its words has none after
/// this.
pub(super) const STALL: Duration = Duration::from_millis(1_500);
/// One that tells of words alone says something this long after speech began: slow ones take up to four seconds for their first words …
const FIRST_WORDS: Duration = Duration::from_millis(4_500);
/// … and then at least this often while speech goes on.
const NEXT_WORDS: Duration = Duration::from_secs(5);
/// What a new burst of speech gets in any case: results come a moment after their sound.
const BURST: Duration = Duration::from_millis(500);

/// The recogniser that is open, and what it owes.
#[derive(Debug, Default)]
pub struct Stall {
    rhythm: Rhythm,
    /// Speech before the burst that goes on, of which it has said nothing.
    unanswered: Duration,
}

impl Stall {
    /// Another one is opened.
    pub fn open(&mut self, rhythm: Rhythm) {
        *self = Self { rhythm, unanswered: Duration::ZERO };
    }

    /// How long speech that begins may go on without a result, where that shows anything; it `lives` when one came just before.
    pub fn first(&self, lives: bool) -> Option<Duration> {
        match self.rhythm {
            Rhythm::Steady => Some(STALL.saturating_sub(self.unanswered).max(BURST)),
            Rhythm::ByWords if lives => Some(NEXT_WORDS),
            Rhythm::ByWords => Some(FIRST_WORDS),
            Rhythm::AtEnds => None,
        }
    }

    /// The same after a sign of life.
    pub fn next(&self) -> Option<Duration> {
        match self.rhythm {
            Rhythm::Steady => Some(STALL),
            Rhythm::ByWords => Some(NEXT_WORDS),
            Rhythm::AtEnds => None,
        }
    }

    /// It must be asked for the words so far.
    pub fn must_be_asked(&self) -> bool {
        self.rhythm == Rhythm::AtEnds
    }

    /// An answer without words to the question for the last ones shows nothing of it: that answer is made here for a vendor that gives
    /// none (`provider::stt::owed`). One that tells of words alone gets no other.
    pub fn answers_show_nothing(&self) -> bool {
        self.rhythm != Rhythm::ByWords
    }

    /// A burst of speech has ended, so much of it after the newest result.
    pub fn ended(&mut self, unanswered: Duration) {
        self.unanswered += unanswered;
    }

    /// A result came.
    pub fn answered(&mut self) {
        self.unanswered = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: f64) -> Duration {
        Duration::from_secs_f64(n)
    }

    #[test]
    fn speech_without_a_result_adds_up_over_pauses() {
        let mut stall = Stall::default();
        stall.open(Rhythm::Steady);
        assert_eq!(stall.first(false), Some(secs(1.5)));
        stall.ended(secs(0.6));
        assert_eq!(stall.first(false), Some(secs(0.9)));
        stall.ended(secs(0.6));
        assert_eq!(stall.first(true), Some(secs(0.5)), "the newest burst gets its time");
        stall.answered();
        assert_eq!((stall.first(false), stall.next()), (Some(secs(1.5)), Some(secs(1.5))));
    }

    #[test]
    fn one_that_tells_words_alone_has_more_time_and_one_that_is_asked_has_its_own() {
        let mut stall = Stall::default();
        assert_eq!((stall.first(false), stall.first(true)), (Some(secs(4.5)), Some(secs(5.0))));
        assert!(!stall.must_be_asked() && !stall.answers_show_nothing());
        stall.open(Rhythm::AtEnds);
        assert_eq!((stall.first(false), stall.next()), (None, None));
        assert!(stall.must_be_asked());
    }
}
