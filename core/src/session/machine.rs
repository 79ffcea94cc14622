//! A machine answered instead of a person: the bot's message is left after the beep, and the call ends.
//!
//! The model notices, by its tool. Nothing is said from then on, and what the machine says is answered by nobody, until it beeps, or is
//! silent for so long that it must be recording, or has gone on for too long. A beep that comes into the message is the machine's true
//! one: the message is said again from its beginning, once.

use std::time::Duration;

use serde_json::json;
use vox_shared::wire::result::DisconnectedBy;

use super::Session;
use super::event::Command;
use super::kind::EventKind;
use super::phase::{Phase, PhaseTimer};
use super::rules::DETECTED_VOICEMAIL;
use super::spending::object;
use super::thinking::Thought;
use crate::provider::llm::ToolCall;

/// A machine that is silent for so long records: some beep so low that nobody hears it, or not at all.
const RECORDS_AFTER: Duration = Duration::from_millis(2_500);
/// However long its greeting is.
const LONGEST_GREETING: Duration = Duration::from_secs(45);
/// A machine records from about so long after its beep.
const BEHIND_BEEP: Duration = Duration::from_millis(250);
/// A beep so long before counts: the model needs its time to notice.
const JUST_BEEPED: Duration = Duration::from_secs(5);

/// What is known of a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine {
    /// When the line beeped last.
    beeped: Option<Duration>,
    /// Its greeting is waited for until then.
    until: Duration,
    /// The message was begun again.
    again: bool,
    /// What was heard of the message, since it was begun last.
    message: Option<Heard>,
}

/// Letters of a message that were heard, and those that were still to be said then.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    letters: usize,
    rest: usize,
}

/// A message counts as left when this much of it was heard, per cent: machines cut the end off that is silence to them.
const LEFT_PERCENT: usize = 90;

impl Session {
    /// Whether the call is to be told of beeps: [`super::event::Event::Beep`].
    pub fn wants_beeps(&self) -> bool {
        self.knows_machines() || self.rules.answering.is_some()
    }

    fn knows_machines(&self) -> bool {
        let own = &self.rules.own_tools;
        !own.contains_key(DETECTED_VOICEMAIL) && self.rules.tools.iter().any(|t| t.name == DETECTED_VOICEMAIL)
    }

    /// Whether the model's call is this one.
    pub(super) fn tells_of_machine(&self, call: &ToolCall) -> bool {
        call.name == DETECTED_VOICEMAIL && self.knows_machines()
    }

    /// The model says that a machine has answered. What it says itself beside that is not said.
    pub(super) fn detected_voicemail(&mut self, call: ToolCall, thought: &Thought, out: &mut Vec<Command>) {
        let input = self.shown(&call.arguments);
        let data = object(json!({"tool": DETECTED_VOICEMAIL, "input": input, "status": "ok"}));
        self.report.event_with(self.now, EventKind::ToolCalled, (DETECTED_VOICEMAIL.to_owned(), data), out);
        if let Some(line) = self.plan.open_saying().map(|line| line.id).filter(|_| thought.handed) {
            self.context.promise(line, thought.said.trim());
        }
        self.plan.close_reply();
        self.context
            .tool_results(vec![(call, "The message is left after the beep, and the call ends.".into())]);
        self.stand_still(out);
        let has_message = !self.rules.voicemail_message.trim().is_empty();
        let what = if has_message { "the message is left after the beep" } else { "the bot has no message" };
        self.report.event(self.now, EventKind::VoicemailDetected, what, out);
        if !has_message {
            self.course.end(DisconnectedBy::Voicemail, self.now);
            return self.hang_up_now(out);
        }
        self.course.await_beep();
        self.await_machine(out);
    }

    /// It beeps, is silent, or has spoken for too long.
    pub(super) fn await_machine(&mut self, out: &mut Vec<Command>) {
        self.machine.until = self.now + LONGEST_GREETING;
        let just_beeped = self.machine.beeped.is_some_and(|at| at + JUST_BEEPED >= self.now);
        if just_beeped && !self.listening.hears_speech() {
            return self.leave_behind_beep("it has just beeped", out);
        }
        self.look_at_machine();
    }

    /// It speaks, or has fallen silent: until when it is waited for.
    pub(super) fn look_at_machine(&mut self) {
        if self.course.phase() != Phase::Machine || self.answerer.ends() {
            return;
        }
        let at = match self.listening.hears_speech() {
            true => self.machine.until,
            false => self.machine.until.min(self.now + RECORDS_AFTER),
        };
        self.course.beep_by(at);
    }

    pub(super) fn on_beep(&mut self, ago: Duration, out: &mut Vec<Command>) {
        self.machine.beeped = Some(self.now.saturating_sub(ago));
        match self.course.phase() {
            Phase::Machine if !self.answerer.ends() => self.leave_behind_beep("it beeped", out),
            Phase::Ending(DisconnectedBy::Voicemail) if !self.machine.again => {
                self.machine.again = true;
                self.leave_behind_beep("it beeped, and the message begins again", out);
            }
            _ => {}
        }
    }

    /// The voice is asked at once, and heard when the machine records: a message that is kept as sound would begin into the beep's end.
    fn leave_behind_beep(&mut self, why: &str, out: &mut Vec<Command>) {
        let until = self.machine.beeped.map(|at| at + BEHIND_BEEP);
        out.extend(until.filter(|until| *until > self.now).map(|until| Command::KeepSilent { until }));
        self.leave_message(why, out);
    }

    /// No beep came in time.
    pub(super) fn machine_late(&mut self, out: &mut Vec<Command>) {
        if self.ends_for_machine(out) {
            return;
        }
        let why = if self.now >= self.machine.until { "its greeting has no end" } else { "it is silent" };
        self.leave_message(why, out);
    }

    pub(super) fn leave_message(&mut self, why: &str, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::VoicemailMessage, why, out);
        self.course.clear(PhaseTimer::Goodbye);
        self.say_goodbye(self.rules.voicemail_message.clone(), DisconnectedBy::Voicemail, out);
        // What was heard before is on no tape.
        self.machine.message = Some(Heard::default());
    }

    /// Some of the bot's last words were heard. What was not stands in the plan.
    pub(super) fn note_message_heard(&mut self, heard: &str) {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        let is_message = self.course.phase() == Phase::Ending(DisconnectedBy::Voicemail);
        if let Some(message) = self.machine.message.as_mut().filter(|_| is_message) {
            message.letters += letters(heard);
            message.rest = letters(&self.plan.text());
        }
    }

    /// Whether the bot's message is on the machine.
    pub fn has_left_message(&self) -> bool {
        let Some(Heard { letters, rest }) = self.machine.message else { return false };
        letters > 0 && letters * 100 >= (letters + rest) * LEFT_PERCENT
    }
}
