//! What is still to be said and to be answered: the one place for it.
//!
//! Lines are said in order. The first one stays here until the mouth is done with it, so what an interruption or a broken voice
//! leaves unsaid goes back to where it came from. While the plan is paused nothing new is begun: the caller may be about to say
//! something that makes it useless.

use std::collections::VecDeque;

use super::event::{RequestId, Span};
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
    /// It is a model's own sound, and no text for a voice.
    sound: Option<Sound>,
}

impl Saying {
    fn new(id: SayingId, kind: Kind, turn: u32) -> Self {
        Self { id, kind, turn, pieces: VecDeque::new(), open: false, fixed: false, sound: None }
    }

    /// Something of it is still to be said.
    fn waits(&self) -> bool {
        !self.pieces.is_empty() || self.sound.as_ref().is_some_and(|s| s.at_hand && !s.begun)
    }
}

/// The reply of a model that speaks by itself.
#[derive(Debug)]
struct Sound {
    request: RequestId,
    /// Some of it is with the actor.
    at_hand: bool,
    begun: bool,
    /// What it says, as far as the mouth does not know it yet.
    words: String,
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
    /// The interruption took a reply that nobody can take up again.
    lost: bool,
    /// Words said over the bot without stopping it: answered when it is done.
    unanswered: String,
    unanswered_sounds: Vec<Span>,
    /// The caller's turns that the model itself has to hear, and whether a reply to them was heard.
    sounds: Vec<Span>,
    replied: bool,
    /// The call ends with what is planned, if the caller has nothing to add.
    ends: bool,
}

impl Plan {
    /// Say this phrase after what is planned.
    pub fn phrase(&mut self, phrase: Piece, kind: Kind, turn: u32) {
        let id = self.next_id();
        self.lines.push_back(Saying { pieces: [phrase].into(), fixed: true, ..Saying::new(id, kind, turn) });
    }

    /// The next piece of the reply that is being made.
    pub fn piece(&mut self, piece: Piece, turn: u32) {
        match self.lines.iter_mut().find(|l| l.open && l.sound.is_none()) {
            Some(line) => line.pieces.push_back(piece),
            None => {
                let line = Saying::new(self.next_id(), Kind::Reply, turn);
                self.lines.push_back(Saying { pieces: [piece].into(), open: true, ..line });
            }
        }
    }

    /// The reply to this request has sound.
    pub fn sound(&mut self, request: RequestId, turn: u32) {
        self.sound_line(request, turn).at_hand = true;
    }

    /// The sound of this request's reply says this, or will.
    pub fn words(&mut self, request: RequestId, text: &str, turn: u32) {
        self.sound_line(request, turn).words.push_str(text);
    }

    fn sound_line(&mut self, request: RequestId, turn: u32) -> &mut Sound {
        let is_own = |l: &Saying| l.sound.as_ref().is_some_and(|s| s.request == request);
        let at = self.lines.iter().position(is_own).unwrap_or_else(|| {
            let line = Saying::new(self.next_id(), Kind::Reply, turn);
            self.lines.push_back(Saying { open: true, ..line });
            self.lines.len() - 1
        });
        let new = Sound { request, at_hand: false, begun: false, words: String::new() };
        self.lines[at].sound.get_or_insert(new)
    }

    /// A model's own sound waits to be said.
    pub fn has_sound(&self) -> bool {
        self.lines.iter().any(|l| l.sound.is_some() && l.waits())
    }

    /// Nothing of the sound that was not begun is to be said: of these requests.
    pub fn drop_unbegun(&mut self) -> Vec<RequestId> {
        let unbegun = |l: &Saying| l.sound.as_ref().filter(|s| !s.begun).map(|s| s.request);
        let dropped = self.lines.iter().filter_map(unbegun).collect();
        self.lines.retain(|l| unbegun(l).is_none());
        dropped
    }

    /// Nothing more of this request's sound is to be said.
    pub fn drop_sound(&mut self, request: RequestId) {
        self.lines.retain(|l| l.sound.as_ref().is_none_or(|s| s.request != request));
    }

    /// The mouth takes a line that is sound: whose.
    pub fn begin_sound(&mut self, line: SayingId) -> Option<RequestId> {
        let sound = self.lines.iter_mut().find(|l| l.id == line)?.sound.as_mut()?;
        sound.begun = true;
        Some(sound.request)
    }

    /// What the mouth does not know of the sound's words, and whether more may come.
    pub fn take_words(&mut self, line: SayingId) -> (String, bool) {
        let Some(line) = self.lines.iter_mut().find(|l| l.id == line) else { return Default::default() };
        let words = line.sound.as_mut().map(|s| std::mem::take(&mut s.words)).unwrap_or_default();
        (words, line.open)
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
        while self.lines.front().is_some_and(|l| !l.waits() && !l.open) {
            self.lines.pop_front();
        }
        self.lines.front().filter(|l| l.waits())
    }

    /// What the next line is for, be it paused.
    pub fn first_kind(&self) -> Option<Kind> {
        self.lines.iter().find(|l| l.waits()).map(|l| l.kind)
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

    /// The interruption takes the reply for good.
    pub fn lose_reply(&mut self) {
        self.lost = true;
    }

    /// The interruption was none. True when it took a reply all the same.
    pub fn go_on(&mut self) -> bool {
        self.paused = false;
        std::mem::take(&mut self.lost)
    }

    /// The caller said something that is answered now: what was planned before is not said, but for a line in the mouth that
    /// may not be interrupted, and an operator's words of which nothing was said yet.
    pub fn answer(&mut self, in_mouth: Option<SayingId>) {
        self.paused = false;
        self.lost = false;
        self.ends = false;
        if self.replied {
            self.sounds.clear();
        }
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
        self.unanswered_sounds.clear();
        self.close_reply();
        for line in &mut self.lines {
            line.kind = Kind::Goodbye;
        }
    }

    /// Whether there is nothing to say.
    pub fn is_silent(&self) -> bool {
        !self.lines.iter().any(Saying::waits)
    }

    /// All texts that are planned.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.lines.iter().flat_map(|line| &line.pieces)
    }

    /// All that is planned, as one text.
    pub fn text(&self) -> String {
        joined(self.lines.iter().flat_map(|l| &l.pieces))
    }

    /// The caller said this without stopping the bot. It is answered before the call ends.
    pub fn owe_answer(&mut self, text: &str, sound: Option<Span>) {
        self.ends = false;
        self.unanswered_sounds.extend(sound);
        if !self.unanswered.is_empty() {
            self.unanswered.push(' ');
        }
        self.unanswered.push_str(text);
    }

    /// The next reply is to this sound of the caller, and to what came before it if no reply was heard since.
    pub fn hear(&mut self, sound: Span) {
        if std::mem::take(&mut self.replied) {
            self.sounds.clear();
        }
        self.sounds.push(sound);
        self.sounds.sort_by_key(|s| s.from);
    }

    /// The caller hears a reply.
    pub fn replied(&mut self) {
        self.replied = true;
    }

    /// The sound that the reply is to.
    pub fn sounds(&self) -> &[Span] {
        &self.sounds
    }

    pub fn owes_answer(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// The words that wait for an answer; the next reply is to their sound too.
    pub fn take_unanswered(&mut self) -> Option<String> {
        for sound in std::mem::take(&mut self.unanswered_sounds) {
            self.hear(sound);
        }
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
        assert!(!plan.go_on());
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
        assert!(!plan.go_on());
        assert_eq!(plan.text(), "The answer.");
    }
}
