//! Who has answered a call that the bot placed. The bot is silent until that is known: a verdict of the detector, which the actor feeds
//! and which may correct itself for some seconds, begins the conversation, leaves the message or ends the call. However it fares, the bot
//! speaks after [`LATEST`].

use std::time::Duration;

use vox_shared::catalogue::SCRIPTED;
use vox_shared::model::bot::{Answering, OnMenu};
use vox_shared::wire::answers::Service;
use vox_shared::wire::result::{DisconnectedBy, TranscriptEntry};

use super::Session;
use super::event::Command;
use super::kind::EventKind;
use super::listening::ClosedTurn;
use super::party::Party;
use super::phase::{Phase, PhaseTimer};
use super::spending::CHARS_PER_TOKEN;
use super::utterance::Kind;
use super::verdict::{Answered, AnsweringEvent};

/// Nobody who has answered hears nothing for longer, whatever the detector does: its own time begins with the first sound.
const LATEST: Duration = Duration::from_secs(12);
/// A telephone that asks who calls passes the call on within this, or does not; and one that rings on is answered.
const PASSES_ON: Duration = Duration::from_secs(40);
/// A call that a machine has answered is not ended sooner after the verdict.
const MAY_BE_WRONG: Duration = Duration::from_millis(800);

/// What is known of who has answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answerer {
    class: Option<Answered>,
    /// The bot has said its opening message, or begun to.
    has_opened: bool,
    /// A telephone that asked who calls has passed the call on.
    passed_on: bool,
    /// Nothing is left on the machine: the call ends when the verdict stands.
    ends: bool,
}

impl Answerer {
    /// Nothing is left on the machine, and the call ends when the verdict stands.
    pub(super) fn ends(&self) -> bool {
        self.ends
    }
}

impl Session {
    /// The detector's settings, where it is to be found out who has answered.
    pub fn answering(&self) -> Option<&Answering> {
        self.rules.answering.as_ref()
    }

    /// What the bot speaks (BCP-47), or empty.
    pub fn language(&self) -> &str {
        &self.rules.language
    }

    /// Whether a telephone that asked who calls has passed the call on to a person.
    pub fn was_passed_on(&self) -> bool {
        self.answerer.passed_on
    }

    /// Whether the bot's first model may be asked beside the conversation: no limit is reached, and it is the one to be asked. One that hears
    /// and speaks by itself, or follows a script, has no answer.
    pub fn may_ask_beside(&self) -> bool {
        self.spending.over().is_none()
            && self.rungs(Service::Llm).first() == 0
            && !self.rules.model_hears()
            && !self.rules.model_speaks()
            && self.rules.llm.at(0).provider != SCRIPTED.name
    }

    /// Nothing is said before it is known who has answered.
    pub(super) fn wait_for_verdict(&mut self) {
        self.course.screen(self.now + LATEST);
    }

    pub(super) fn on_answering(&mut self, event: AnsweringEvent, out: &mut Vec<Command>) {
        match event {
            AnsweringEvent::Verdict { answered, because } => self.on_verdict(answered, &because, out),
            AnsweringEvent::GreetingEnded => {
                if self.course.phase() == Phase::Machine && !self.answerer.ends {
                    self.leave_message("its greeting is over, and it does not beep", out);
                }
            }
            AnsweringEvent::Asked => {
                let vendor = self.rules.llm.at(0);
                self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
            }
            AnsweringEvent::Used { usage, told, written } => {
                self.count_beside(usage, (told / CHARS_PER_TOKEN, written / CHARS_PER_TOKEN));
            }
        }
    }

    fn on_verdict(&mut self, answered: Answered, because: &str, out: &mut Vec<Command>) {
        let before = self.answerer.class.replace(answered);
        let what = match before {
            None => format!("{}: {because}", answered.as_str()),
            Some(before) => format!("{}, and not {}: {because}", answered.as_str(), before.as_str()),
        };
        self.report.event(self.now, EventKind::AnsweredBy, what, out);
        if !matches!(self.course.phase(), Phase::Screening | Phase::Live | Phase::Machine) {
            return;
        }
        match answered {
            Answered::Person | Answered::Silence | Answered::Unsure => self.a_person_answered(before, out),
            Answered::Voicemail => self.a_voicemail_answered(out),
            Answered::Screening => self.who_calls_is_asked(out),
            Answered::Menu if self.menu_is_talked_to() => self.a_menu_answered(out),
            Answered::Menu | Answered::Nobody => self.end_unless_corrected(out),
            Answered::Rings => self.it_rings_on(),
        }
    }

    fn menu_is_talked_to(&self) -> bool {
        self.rules.answering.as_ref().is_some_and(|answering| answering.on_menu == OnMenu::Talk)
    }

    /// The conversation begins, or goes on.
    fn a_person_answered(&mut self, before: Option<Answered>, out: &mut Vec<Command>) {
        self.answerer.passed_on |= before == Some(Answered::Screening);
        self.answerer.ends = false;
        match self.course.phase() {
            Phase::Live => {}
            Phase::Machine => {
                self.course.clear(PhaseTimer::Machine);
                self.listen_again(out);
                self.open_or_go_on(out);
            }
            _ => {
                // What they said is answered by the opening message.
                let said = self.flush_caller(out);
                self.context.caller(&said);
                self.course.release();
                self.open_or_go_on(out);
            }
        }
    }

    fn open_or_go_on(&mut self, out: &mut Vec<Command>) {
        if std::mem::replace(&mut self.answerer.has_opened, true) {
            self.context.note("It is a person after all who has answered. Go on with them.");
            return self.think_anew(out);
        }
        let opening = self.rules.opening_message.clone();
        self.say_phrase(&opening, Kind::Greeting, out);
    }

    /// What a machine says is answered by nobody from now on, and heard still: it may be none.
    fn fall_silent_for_machine(&mut self, out: &mut Vec<Command>) {
        self.fall_silent(out);
        let said = self.flush_caller(out);
        self.context.caller(&said);
        self.listening.hold(self.now);
        self.course.await_beep();
    }

    fn a_voicemail_answered(&mut self, out: &mut Vec<Command>) {
        if self.rules.voicemail_message.trim().is_empty() {
            return self.end_unless_corrected(out);
        }
        if self.course.phase() != Phase::Machine || self.answerer.ends {
            self.answerer.ends = false;
            self.fall_silent_for_machine(out);
            self.report.event(
                self.now,
                EventKind::VoicemailDetected,
                "the message is left after the beep",
                out,
            );
            self.await_machine(out);
        }
    }

    fn end_unless_corrected(&mut self, out: &mut Vec<Command>) {
        self.fall_silent_for_machine(out);
        self.answerer.ends = true;
        self.course.beep_by(self.now + MAY_BE_WRONG);
    }

    /// The verdict was not corrected.
    pub(super) fn ends_for_machine(&mut self, out: &mut Vec<Command>) -> bool {
        if self.answerer.ends {
            self.course.end(DisconnectedBy::Voicemail, self.now);
            self.hang_up_now(out);
        }
        self.answerer.ends
    }

    /// A telephone asks who calls: it is told, and it is waited for whether it passes the call on.
    fn who_calls_is_asked(&mut self, out: &mut Vec<Command>) {
        if self.course.phase() == Phase::Machine {
            self.course.clear(PhaseTimer::Machine);
            self.listen_again(out);
            self.answerer.ends = false;
        }
        self.fall_silent(out);
        self.wake_voice(out);
        self.course.screen(self.now + PASSES_ON);
        let answering = self.rules.answering.as_ref();
        let own = answering.map(|answering| answering.introduction.trim()).filter(|text| !text.is_empty());
        let said = own.unwrap_or(&self.rules.opening_message).to_owned();
        self.say_phrase(&said, Kind::Ordered, out);
    }

    /// It is waited for somebody who takes it. Whoever was taken for somebody before is what they were.
    fn it_rings_on(&mut self) {
        if self.course.phase() == Phase::Screening {
            self.course.screen(self.now + PASSES_ON);
        }
    }

    /// The model is told what the menu says, and presses keys. Most menus are a voicemail first, or a person, and are corrected to this
    /// when they name the first key: whatever the bot says to them ends, and one that speaks is heard to its end.
    fn a_menu_answered(&mut self, out: &mut Vec<Command>) {
        self.answerer.ends = false;
        self.answerer.has_opened = true;
        self.fall_silent(out);
        self.context.note(
            "An automated menu has answered, and no person. Press the keys that lead to whom you want to reach, and say nothing else to it.",
        );
        if self.course.phase() == Phase::Machine {
            self.course.clear(PhaseTimer::Machine);
            self.listen_again(out);
        } else {
            self.course.release();
            self.wake_voice(out);
        }
        // It is answered when it has said what the keys are.
        if self.listening.is_active() {
            return;
        }
        let said = self.flush_caller(out);
        match said.is_empty() {
            true => self.think_anew(out),
            false => self.answer(&said, out),
        }
    }

    /// It was never found out, or a telephone that asked who calls has not passed the call on.
    pub(super) fn verdict_is_late(&mut self, out: &mut Vec<Command>) {
        if matches!(self.answerer.class, Some(Answered::Screening | Answered::Rings)) {
            self.report.event(self.now, EventKind::AnsweredBy, "the call was not passed on", out);
            self.course.end(DisconnectedBy::Voicemail, self.now);
            return self.hang_up_now(out);
        }
        self.report.event(self.now, EventKind::AnsweredBy, "no verdict in time: the bot speaks", out);
        self.a_person_answered(None, out);
    }

    /// Where nobody leads any more, what is said while it is found out who has answered is written down, and the opening message is its
    /// answer.
    pub(super) fn note_before_opening(&mut self, who: Party, closed: ClosedTurn, out: &mut Vec<Command>) {
        if closed.text.is_empty() || who != Party::Caller {
            return;
        }
        self.turn += 1;
        let line = TranscriptEntry { turn: self.turn, ..closed.line };
        self.report.line_in_time(line, out);
        self.context.caller(&closed.text);
    }
}
