//! The turns of a vendor that counts them, tells each as a whole that grows, and says itself when it is over: what is news, what comes
//! twice or late, and which answer the session is owed.

use tokio::time::Instant;
use vox_shared::wire::result::Word;

use super::SttEvent;
use super::owed::{Owed, nothing_more};

/// A number so far ahead is no turn of this stream.
const STRANGE: u64 = 16;

/// A turn as the vendor tells it: all its words so far, on the stream's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    pub index: u64,
    pub text: String,
    pub words: Vec<Word>,
    pub confidence: Option<f32>,
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Going,
    /// It has probably ended.
    Eager,
    Over,
}

/// A number that no turn of this stream has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Strange;

/// The turn that is open, and what is known of those before it.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The lowest number that is not over.
    next: u64,
    open: Option<Told>,
    /// The start of the open turn was told.
    began: bool,
    /// A likely end was told, and not taken back.
    eager: bool,
    owed: Owed,
}

impl Turns {
    /// The final words are asked for.
    pub fn ask(&mut self, now: Instant) {
        self.owed.ask(now);
    }

    /// When [`Self::tick`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.owed.due()
    }

    /// The vendor owes an answer. With words in an open turn its end is to come, so the answer waits for it.
    pub fn tick(&mut self, now: Instant) -> Option<SttEvent> {
        (self.owed.is_over(now) && !self.is_open()).then(nothing_more)
    }

    /// Whether a turn with words is open.
    pub fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.text.is_empty())
    }

    /// The vendor heard speech begin.
    pub fn speech_started(&mut self, at_ms: u64) -> Option<SttEvent> {
        (!std::mem::replace(&mut self.began, true)).then_some(SttEvent::SpeechStarted { at_ms })
    }

    /// What a message means for the reader.
    pub fn take(&mut self, told: Told, stage: Stage) -> Result<Vec<SttEvent>, Strange> {
        if told.index >= self.next + STRANGE {
            return Err(Strange);
        }
        if told.index < self.next {
            // It comes twice, or after its turn's end.
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        if self.open.as_ref().is_some_and(|open| open.index < told.index) {
            self.end(&mut events);
        }
        self.next = told.index;
        if let (false, Some(first)) = (told.text.is_empty(), told.words.first()) {
            events.extend(self.speech_started(first.started_ms));
        } else if !told.text.is_empty() {
            events.extend(self.speech_started(0));
        }
        let is_same = self.open.as_ref().is_some_and(|open| open.text == told.text);
        if self.eager && stage == Stage::Going && !is_same {
            events.extend(self.resumed());
        }
        let text = told.text.clone();
        self.open = Some(told);
        match stage {
            Stage::Going => events.push(SttEvent::Partial { text }),
            Stage::Eager if self.eager && is_same => {}
            Stage::Eager => {
                self.eager = true;
                events.push(SttEvent::EagerEnd { text });
            }
            Stage::Over => self.end(&mut events),
        }
        Ok(events)
    }

    /// The likely end was none.
    pub fn resumed(&mut self) -> Option<SttEvent> {
        std::mem::take(&mut self.eager).then_some(SttEvent::EagerEndRevoked)
    }

    /// The open turn is over with what is known of it.
    fn end(&mut self, events: &mut Vec<SttEvent>) {
        let Some(open) = self.open.take() else { return };
        self.next = open.index + 1;
        (self.began, self.eager) = (false, false);
        let asked = self.owed.paid();
        if open.text.is_empty() && !asked {
            events.push(SttEvent::Partial { text: String::new() });
            return;
        }
        events.push(SttEvent::Final {
            text: open.text,
            confidence: open.confidence,
            words: open.words,
            from_finalize: asked,
            utterance_end: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::word;
    use super::*;

    fn told(index: u64, text: &str) -> Told {
        let words = text.split_whitespace().map(|one| word(one, 100, 200)).collect();
        Told { index, text: text.into(), words, confidence: None }
    }

    fn partial(text: &str) -> SttEvent {
        SttEvent::Partial { text: text.into() }
    }

    fn over(text: &str, from_finalize: bool) -> SttEvent {
        let words = told(0, text).words;
        SttEvent::Final { text: text.into(), confidence: None, words, from_finalize, utterance_end: true }
    }

    fn check(turns: &mut Turns, messages: &[(u64, &str, Stage)], expected: &[SttEvent]) {
        let take =
            |(index, text, stage): &(u64, &str, Stage)| turns.take(told(*index, text), *stage).unwrap();
        let got: Vec<SttEvent> = messages.iter().flat_map(take).collect();
        assert_eq!(got, expected);
    }

    const STARTED: SttEvent = SttEvent::SpeechStarted { at_ms: 100 };
    const GOING: Stage = Stage::Going;
    const OVER: Stage = Stage::Over;

    #[test]
    fn a_turn_grows_and_ends_once() {
        check(
            &mut Turns::default(),
            &[
                (0, "", GOING),
                (0, "hel", GOING),
                (0, "hello", OVER),
                (0, "hello", OVER),
                (0, "hel", GOING),
                (1, "you", GOING),
            ],
            &[partial(""), STARTED, partial("hel"), over("hello", false), STARTED, partial("you")],
        );
    }

    #[test]
    fn a_turn_whose_end_is_not_told_ends_with_the_next() {
        check(
            &mut Turns::default(),
            &[(0, "hello", GOING), (2, "you", GOING)],
            &[STARTED, partial("hello"), over("hello", false), STARTED, partial("you")],
        );
    }

    #[test]
    fn a_likely_end_is_told_once_and_taken_back() {
        let eager = SttEvent::EagerEnd { text: "hello".into() };
        check(
            &mut Turns::default(),
            &[
                (0, "hello", Stage::Eager),
                (0, "hello", Stage::Eager),
                (0, "hello", GOING),
                (0, "hello you", GOING),
                (0, "hello you", OVER),
            ],
            &[
                STARTED,
                eager,
                partial("hello"),
                SttEvent::EagerEndRevoked,
                partial("hello you"),
                over("hello you", false),
            ],
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_owed_until_a_turn_ends_or_the_time_is_over() {
        let now = Instant::now();
        let mut turns = Turns::default();
        turns.ask(now);
        check(&mut turns, &[(0, "yes", OVER)], &[STARTED, over("yes", true)]);
        assert_eq!(turns.due(), None);
        turns.ask(now);
        let due = turns.due().unwrap();
        assert_eq!((turns.tick(now), turns.tick(due)), (None, Some(nothing_more())));
        turns.ask(now);
        check(&mut turns, &[(1, "and", GOING)], &[STARTED, partial("and")]);
        assert_eq!(turns.tick(due), None, "its end is to come");
    }

    #[test]
    fn a_turn_without_words_is_no_utterance() {
        check(
            &mut Turns::default(),
            &[(0, "", OVER), (1, "yes", GOING)],
            &[partial(""), STARTED, partial("yes")],
        );
    }

    #[test]
    fn numbers_from_nowhere_are_refused() {
        assert_eq!(Turns::default().take(told(4000, "x"), OVER), Err(Strange));
    }
}
