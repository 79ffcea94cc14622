//! What the caller writes instead of saying it: a turn that needs no recogniser.

use std::collections::VecDeque;
use std::time::Duration;

use vox_shared::wire::result::{Speaker, TranscriptEntry};

use super::Session;
use super::event::Command;
use super::kind::EventKind;
use super::party::Party;
use super::report::{TurnClock, ms};

/// Nobody writes more than this …
const MOST: usize = 10;
/// … in this time: each message asks the model anew.
const WITHIN: Duration = Duration::from_secs(10);

/// When the newest messages came.
#[derive(Debug, Default)]
pub struct Pace {
    came: VecDeque<Duration>,
    /// It is told that others are left out: each of them would be a line of the journal.
    is_told: bool,
}

impl Pace {
    /// Whether another one is taken.
    fn takes(&mut self, now: Duration) -> bool {
        while self.came.front().is_some_and(|at| *at + WITHIN <= now) {
            self.came.pop_front();
        }
        let takes = self.came.len() < MOST;
        if takes {
            self.came.push_back(now);
            self.is_told = false;
        }
        takes
    }
}

impl Session {
    /// Where the bot does not lead the model knows it, and nobody answers.
    pub(super) fn on_typed(&mut self, text: String, out: &mut Vec<Command>) {
        if !self.typing.takes(self.now) {
            if std::mem::replace(&mut self.typing.is_told, true) {
                return;
            }
            let why = format!("more than {MOST} in {} s", WITHIN.as_secs());
            return self.report.event(self.now, EventKind::TypedTooFast, why, out);
        }
        self.report.event(self.now, EventKind::Typed, "a message was written", out);
        let is_live = self.course.is_live();
        if is_live {
            self.note_caller_is_there();
            if self.rules.turn.interruptible {
                self.fall_silent_for("a message was written", out);
            }
        }
        self.note_typed(text.clone(), out);
        match (is_live, self.course.is_accompanied()) {
            (true, _) => {
                self.clock = TurnClock { closed: Some(self.now), ..TurnClock::default() };
                self.answer(&text, out);
            }
            (false, true) => self.context.heard(Party::Caller, &text, self.now),
            (false, false) => self.context.caller(&text),
        }
    }

    fn note_typed(&mut self, text: String, out: &mut Vec<Command>) {
        self.turn += 1;
        let entry = TranscriptEntry {
            turn: self.turn,
            speaker: Speaker::Caller,
            text,
            confidence: None,
            started_ms: ms(self.now),
            ended_ms: ms(self.now),
            interrupted: false,
            words: Vec::new(),
            bot_id: None,
        };
        self.report.line_in_time(entry, out);
    }
}
