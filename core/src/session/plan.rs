//! What is still to be said and to be answered: the one place for it.
//!
//! Lines are said in order. The first one stays here until the mouth is done with it, so what an interruption or a broken voice
//! leaves unsaid goes back to where it came from. While the plan is paused nothing new is begun: the caller may be about to say
//! something that makes it useless.

use std::collections::VecDeque;

use super::text::{Piece, joined};
use super::utterance::Kind;

/// Names a line of the plan; counted up.
pub type SayingId = u64;

/// Text to be said under one heading.
#[derive(Debug)]
pub struct Saying {
    pub id: SayingId,
    pub kind: Kind,
    pub turn: u32,
    /// Not handed to the voice yet.
    pieces: VecDeque<Piece>,
    /// More pieces may come.
    open: bool,
    /// A phrase in its whole, which the cache may hold.
    fixed: bool,
}

/// What the mouth takes next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// The line has nothing at hand.
    Wait,
    Piece(Piece),
    /// A whole phrase.
    Phrase(Piece),
    /// All of the line was taken.
    End,
}

/// What is to be said and answered.
#[derive(Debug, Default)]
pub struct Plan {
    lines: VecDeque<Saying>,
    newest: SayingId,
    paused: bool,
    /// Words said over the bot without stopping it: answered when it is done.
    unanswered: String,
    /// The call ends with what is planned, if the caller has nothing to add.
    ends: bool,
}

impl Plan {
    /// Say this phrase after what is planned.
    pub fn phrase(&mut self, phrase: Piece, kind: Kind, turn: u32) {
        let id = self.next_id();
        self.lines.push_back(Saying { id, kind, turn, pieces: [phrase].into(), open: false, fixed: true });
    }

    /// The next piece of the reply that is being made.
    pub fn piece(&mut self, piece: Piece, turn: u32) {
        match self.lines.iter_mut().find(|l| l.open) {
            Some(line) => line.pieces.push_back(piece),
            None => {
                let (id, kind) = (self.next_id(), Kind::Reply);
                self.lines.push_back(Saying {
                    id,
                    kind,
                    turn,
                    pieces: [piece].into(),
                    open: true,
                    fixed: false,
                });
            }
        }
    }

    /// The reply has no more text, or what follows is a line of its own.
    pub fn close_reply(&mut self) {
        for line in &mut self.lines {
            line.open = false;
        }
    }

    /// The line of the reply that is being made.
    pub fn open_saying(&self) -> Option<&Saying> {
        self.lines.iter().find(|l| l.open)
    }

    /// The line to be said now; lines with nothing left are dropped. `None` while paused.
    pub fn current(&mut self) -> Option<&Saying> {
        if self.paused {
            return None;
        }
        while self.lines.front().is_some_and(|l| l.pieces.is_empty() && !l.open) {
            self.lines.pop_front();
        }
        self.lines.front().filter(|l| !l.pieces.is_empty())
    }

    /// What the next line is for, be it paused.
    pub fn first_kind(&self) -> Option<Kind> {
        self.lines.iter().find(|l| !l.pieces.is_empty()).map(|l| l.kind)
    }

    /// Take the next of this line.
    pub fn take(&mut self, line: SayingId) -> Next {
        let Some(line) = self.lines.iter_mut().find(|l| l.id == line) else { return Next::End };
        match line.pieces.pop_front() {
            Some(text) if line.fixed => Next::Phrase(text),
            Some(text) => Next::Piece(text),
            None if line.open => Next::Wait,
            None => Next::End,
        }
    }

    /// This much of a line was taken and not said after all. `said` tells that the caller heard its beginning.
    pub fn give_back(&mut self, id: SayingId, pieces: Vec<Piece>, said: bool) {
        let Some(line) = self.lines.iter_mut().find(|l| l.id == id) else { return };
        line.fixed &= !said;
        for piece in pieces.into_iter().rev() {
            line.pieces.push_front(piece);
        }
    }

    /// What is planned of the line that is being made is not for the caller.
    pub fn drop_open(&mut self) {
        for line in self.lines.iter_mut().filter(|l| l.open) {
            line.pieces.clear();
        }
    }

    /// Begin nothing new until [`Plan::go_on`] or [`Plan::answer`]. What only filled a silence is dropped.
    pub fn pause(&mut self) {
        self.paused = true;
        self.lines.retain(|l| l.kind != Kind::Filler);
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The interruption was none.
    pub fn go_on(&mut self) {
        self.paused = false;
    }

    /// The caller said something that is answered now: what was planned before is not said, but for a line in the mouth that
    /// may not be interrupted, and an operator's words of which nothing was said yet.
    pub fn answer(&mut self, in_mouth: Option<SayingId>) {
        self.paused = false;
        self.ends = false;
        let is_owed = |l: &Saying| l.kind == Kind::Ordered && l.fixed;
        self.lines.retain(|l| Some(l.id) == in_mouth || is_owed(l));
        self.close_reply();
    }

    /// Say nothing of all this.
    pub fn clear(&mut self) {
        *self = Self { newest: self.newest, ..Self::default() };
    }

    /// The call ends with what is planned, unless the caller, who may be speaking just now, says something that is answered.
    pub fn end_with_this(&mut self) {
        self.close_reply();
        self.ends = true;
    }

    /// Whether nothing stands against ending the call.
    pub fn may_end(&self) -> bool {
        self.ends && !self.paused
    }

    /// What is planned is all that will be said, and it is said whatever the caller does.
    pub fn make_last(&mut self) {
        self.paused = false;
        self.ends = false;
        self.unanswered.clear();
        self.close_reply();
        for line in &mut self.lines {
            line.kind = Kind::Goodbye;
        }
    }

    /// Whether there is nothing to say.
    pub fn is_silent(&self) -> bool {
        self.lines.iter().all(|l| l.pieces.is_empty())
    }

    /// All that is planned, as one text.
    pub fn text(&self) -> String {
        joined(self.lines.iter().flat_map(|l| &l.pieces))
    }

    /// The caller said this without stopping the bot. It is answered before the call ends.
    pub fn owe_answer(&mut self, text: &str) {
        self.ends = false;
        if !self.unanswered.is_empty() {
            self.unanswered.push(' ');
        }
        self.unanswered.push_str(text);
    }

    pub fn owes_answer(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// The words that wait for an answer.
    pub fn take_unanswered(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.unanswered)).filter(|t| !t.is_empty())
    }

    /// Words that wait for an answer were more than was known.
    pub fn amend_unanswered(&mut self, before: &str, whole: &str) -> bool {
        let Some(at) = self.unanswered.rfind(before).filter(|_| !before.is_empty()) else { return false };
        self.unanswered.replace_range(at..at + before.len(), whole);
        true
    }

    fn next_id(&mut self) -> SayingId {
        self.newest += 1;
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_said_goes_back_to_its_line_and_is_said_before_what_follows() {
        let mut plan = Plan::default();
        plan.piece(Piece::plain("One two three."), 1);
        plan.phrase(Piece::plain("Next."), Kind::Prompt, 1);
        let line = plan.current().unwrap().id;
        assert_eq!(plan.take(line), Next::Piece(Piece::plain("One two three.")));
        assert_eq!(plan.take(line), Next::Wait);
        plan.close_reply();
        assert_eq!(plan.take(line), Next::End);
        plan.give_back(line, vec![Piece::plain("three.")], true);
        plan.pause();
        assert!(plan.current().is_none() && plan.text() == "three. Next.");
        plan.go_on();
        assert_eq!(plan.take(line), Next::Piece(Piece::plain("three.")));
        let next = plan.current().unwrap().id;
        assert_eq!(plan.take(next), Next::Phrase(Piece::plain("Next.")));
    }

    #[test]
    fn a_phrase_that_was_begun_is_no_longer_the_one_in_the_cache() {
        let mut plan = Plan::default();
        plan.phrase(Piece::plain("Are you there?"), Kind::Prompt, 1);
        let line = plan.current().unwrap().id;
        assert_eq!(plan.take(line), Next::Phrase(Piece::plain("Are you there?")));
        plan.give_back(line, vec![Piece::plain("there?")], true);
        assert_eq!(plan.take(line), Next::Piece(Piece::plain("there?")));
    }

    #[test]
    fn a_filler_is_not_taken_up_again() {
        let mut plan = Plan::default();
        plan.phrase(Piece::plain("One moment."), Kind::Filler, 1);
        plan.piece(Piece::plain("The answer."), 1);
        plan.pause();
        plan.go_on();
        assert_eq!(plan.text(), "The answer.");
    }
}
