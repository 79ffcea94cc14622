//! Somebody is asked to take the call, with the caller on hold.

use std::time::Duration;

use serde_json::json;
use vox_shared::wire::result::DisconnectedBy;

use super::Session;
use super::consult::{
    Answer, Consult, INSTRUCTION, LONGEST_SUMMARY, MAX_QUESTIONS, State, Summary, answer, texts,
};
use super::event::{Command, ConsultEvent, ConsultOrder, RequestId};
use super::handing::{Handing, Target, Way};
use super::kind::EventKind;
use super::listening::ClosedTurn;
use super::party::Party;
use super::phase::{Phase, PhaseTimer};
use super::report::TurnClock;
use super::spending::object;
use super::transferring::WARM;
use super::utterance::Kind;
use crate::provider::llm::{LlmEvent, Message, Role};

/// Beyond the ringing: rooms are joined, and the gateway says what came of it.
const ANSWER_MARGIN: Duration = Duration::from_secs(20);
/// Whoever has answered decides within this.
const DECIDE_WITHIN: Duration = Duration::from_secs(90);
/// So long the summary is waited for by somebody who has answered.
const SUMMARY_PATIENCE: Duration = Duration::from_secs(4);
/// Nobody says anything to the question for so long: it is asked again.
const QUESTION_PATIENCE: Duration = Duration::from_secs(8);
/// The line brings caller and person together, or the caller back.
const JOIN_WITHIN: Duration = Duration::from_secs(15);
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// Of what a model writes as a summary at most so much is taken, characters; less is told.
const WRITTEN_CHARS: usize = LONGEST_SUMMARY * 4;

const ACCEPT: char = '1';
const DECLINE: char = '2';

impl Session {
    pub(super) fn begin_consult(&mut self, handing: Handing, ring_secs: u32, out: &mut Vec<Command>) {
        self.note_requested(&handing, WARM, out);
        self.stand_still(out);
        self.clock = TurnClock::default();
        self.course.consult(self.now + Duration::from_secs(ring_secs.into()) + ANSWER_MARGIN);
        out.push(Command::Consult(ConsultOrder::Begin { to: handing.target.to.clone(), ring_secs }));
        let summary = self.begin_summary(&handing, out);
        let (target, reason) = (handing.target, handing.reason);
        self.consult = Some(Consult {
            target,
            reason,
            state: State::Ringing,
            summary,
            questions: 0,
            why: String::new(),
        });
    }

    /// The model's, if it gave one with its call or can be asked for one.
    fn begin_summary(&mut self, handing: &Handing, out: &mut Vec<Command>) -> Summary {
        if !handing.summary.is_empty() {
            return Summary::Written(handing.summary.clone());
        }
        let can_ask = !self.rules.llm.is_empty()
            && !self.rules.model_speaks()
            && !self.rules.model_hears()
            && self.spending.over().is_none()
            && self.context.has_caller_words();
        if !can_ask {
            return Summary::None;
        }
        self.drop_recap(out);
        let request = self.thinking.ask_aside();
        let vendor = self.rules.llm.at(0);
        self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
        let mut ask = self.context.request();
        ask.tools.clear();
        ask.messages.push(Message::text(Role::System, INSTRUCTION));
        out.push(Command::Ask { request, provider: 0, ask: Box::new(ask), heard: Vec::new() });
        Summary::Writing { request, text: String::new() }
    }

    /// What the model says to a request of ours. False when it is none.
    pub(super) fn take_summary(&mut self, of: RequestId, event: &LlmEvent, out: &mut Vec<Command>) -> bool {
        let Some(Consult { summary: Summary::Writing { request, text }, .. }) = &mut self.consult else {
            return false;
        };
        if *request != of {
            return false;
        }
        match event {
            LlmEvent::Text(more) => {
                text.push_str(more);
                if text.chars().count() > WRITTEN_CHARS {
                    out.push(Command::CancelAsk { request: of });
                    self.summary_is_written(None, out);
                }
            }
            LlmEvent::ToolCall(_) | LlmEvent::Progress => {}
            LlmEvent::Done { usage, .. } => self.summary_is_written(*usage, out),
            LlmEvent::Failed(failure) => {
                let vendor = self.rules.llm.at(0);
                self.report.failure("llm", &vendor);
                let why = format!("{}: {failure} (a summary)", vendor.provider);
                self.report.event(self.now, EventKind::ModelFailed, why, out);
                text.clear();
                self.summary_is_written(None, out);
            }
        }
        true
    }

    fn summary_is_written(&mut self, usage: Option<crate::provider::llm::LlmUsage>, out: &mut Vec<Command>) {
        let Some(consult) = &mut self.consult else { return };
        let text = consult.summary.text();
        let written = text.chars().count() as u64;
        consult.summary = if text.is_empty() { Summary::None } else { Summary::Written(text) };
        let is_awaited = consult.state == State::Greeted;
        self.count_aside(usage, written);
        if is_awaited {
            self.ask_person(out);
        }
    }

    pub(super) fn on_consult(&mut self, event: ConsultEvent, out: &mut Vec<Command>) {
        let Some(state) = self.consult.as_ref().map(|consult| consult.state) else { return };
        if self.course.is_ending() {
            // The caller is gone, and so is whoever was told that.
            if matches!(event, ConsultEvent::Over { .. }) && state != State::Joined {
                self.hang_up_now(out);
            }
            return;
        }
        match (state, event) {
            (State::Ringing, ConsultEvent::Answered) => self.person_answered(out),
            (State::Greeted | State::Asked, ConsultEvent::Digit(ACCEPT)) => self.accept("key 1", out),
            (State::Greeted | State::Asked, ConsultEvent::Digit(DECLINE)) => self.decline("declined", out),
            (State::Joining, ConsultEvent::Joined) => self.person_has_joined(out),
            (State::Joined, ConsultEvent::Over { .. }) => self.person_has_left(out),
            (State::Ending, ConsultEvent::Back) => self.caller_is_back(out),
            (State::Ending, ConsultEvent::Over { .. }) => {}
            // What they said counts, and not that they hung up after it.
            (State::Thanked, ConsultEvent::Over { .. }) => self.end_consult("", out),
            (_, ConsultEvent::Over { why }) => self.end_consult(&why, out),
            _ => {}
        }
    }

    /// They hear at once who speaks, and what it is about as soon as that is written.
    fn person_answered(&mut self, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::ConsultAnswered, "they are told what it is about", out);
        self.course.consult_until(self.now + DECIDE_WITHIN);
        let Some(consult) = &mut self.consult else { return };
        consult.state = State::Greeted;
        let is_writing = consult.summary.is_writing();
        self.listening.go_on(self.now);
        self.open_stt(Party::Caller, out);
        self.wake_voice(out);
        self.say_phrase(texts(&self.rules.language).hello, Kind::Ordered, out);
        if is_writing {
            return self.course.ask_again_at(self.now + SUMMARY_PATIENCE);
        }
        self.ask_person(out);
    }

    fn ask_person(&mut self, out: &mut Vec<Command>) {
        self.course.not_asked_again();
        let Some(consult) = &mut self.consult else { return };
        consult.state = State::Asked;
        consult.questions += 1;
        let about = match &consult.summary {
            Summary::Written(_) => consult.summary.text(),
            _ => consult.reason.clone(),
        };
        if consult.questions == 1 && !about.is_empty() {
            self.say_phrase(&about, Kind::Ordered, out);
        }
        self.say_phrase(texts(&self.rules.language).ask, Kind::Ordered, out);
    }

    /// They said something.
    pub(super) fn person_said(&mut self, closed: &ClosedTurn, out: &mut Vec<Command>) {
        if closed.text.is_empty() {
            return;
        }
        let span = (Duration::from_millis(closed.line.started_ms), closed.acoustic_end);
        let is_echo = match self.speaking.utterance() {
            Some(utterance) => self.is_echo_of(utterance, &closed.text, span),
            None => self.is_echo_of_the_end(&closed.text, span),
        };
        if is_echo {
            return;
        }
        self.note_aside("person", &closed.text, out);
        let Some(Consult { state: State::Greeted | State::Asked, questions, .. }) = &self.consult else {
            return;
        };
        let is_last = *questions >= MAX_QUESTIONS;
        let waits = !self.speaking.is_busy() && self.plan.is_silent();
        match answer(&closed.text) {
            Answer::Yes => self.accept("they said yes", out),
            Answer::No => self.decline("declined", out),
            // Whoever hears the question still has not answered it.
            Answer::Unclear if !waits => {}
            Answer::Unclear if is_last => self.decline("they gave no clear answer", out),
            Answer::Unclear => self.ask_person(out),
        }
    }

    /// A line between the bot and whoever is asked. It is an event, and no line of the conversation.
    pub(super) fn note_aside(&mut self, speaker: &str, text: &str, out: &mut Vec<Command>) {
        if !text.is_empty() {
            let data = object(json!({"speaker": speaker, "text": text}));
            self.report.event_with(self.now, EventKind::ConsultLine, (speaker.to_owned(), data), out);
        }
    }

    fn accept(&mut self, why: &str, out: &mut Vec<Command>) {
        self.stop_asking(out);
        if let Some(consult) = &mut self.consult {
            consult.state = State::Joining;
            consult.why = why.to_owned();
        }
        self.course.consult_until(self.now + JOIN_WITHIN);
        out.push(Command::Consult(ConsultOrder::Join));
    }

    /// They are thanked, and let go when they have heard it.
    fn decline(&mut self, why: &str, out: &mut Vec<Command>) {
        self.stop_asking(out);
        if let Some(consult) = &mut self.consult {
            consult.state = State::Thanked;
            consult.why = why.to_owned();
        }
        self.say_phrase(texts(&self.rules.language).thanks, Kind::Ordered, out);
    }

    /// Nothing more is said to them, and nobody listens.
    fn stop_asking(&mut self, out: &mut Vec<Command>) {
        self.drop_summary(out);
        self.course.not_asked_again();
        self.fall_silent(out);
        self.listening.hold(self.now);
        out.push(Command::CloseStt);
    }

    /// A summary that nobody waits for any more.
    fn drop_summary(&mut self, out: &mut Vec<Command>) {
        if let Some(consult) = &mut self.consult
            && let Summary::Writing { request, .. } = consult.summary
        {
            consult.summary = Summary::None;
            out.push(Command::CancelAsk { request });
        }
    }

    /// They do not take the call: the caller is taken off hold.
    pub(super) fn end_consult(&mut self, why: &str, out: &mut Vec<Command>) {
        self.stop_asking(out);
        let Some(consult) = &mut self.consult else { return };
        consult.state = State::Ending;
        if !why.is_empty() {
            consult.why = why.to_owned();
        }
        self.course.consult_until(self.now + BACK_WITHIN);
        out.push(Command::Consult(ConsultOrder::End));
    }

    fn person_has_joined(&mut self, out: &mut Vec<Command>) {
        let Some(consult) = &mut self.consult else { return };
        consult.state = State::Joined;
        let Target { to, label, way } = consult.target.clone();
        if let Some(transfer) = &mut self.transfer {
            transfer.done = true;
            transfer.at = self.now;
        }
        let data = object(json!({"transferred_to": to, "label": label, "method": WARM}));
        let told = (format!("{WARM}: {}", consult.why), data);
        self.report.event_with(self.now, EventKind::Transferred, told, out);
        match way {
            Way::Warm { three_way: true, .. } => self.lead_by_agent(true, out),
            _ => self.course.hand_over(self.now),
        }
    }

    /// With a caller who was handed over nothing is left to be done; one whose bot stayed talks with it again.
    fn person_has_left(&mut self, out: &mut Vec<Command>) {
        if self.course.is_handed_over() {
            return self.end_handed_over(out);
        }
        self.let_agent_go(out);
        let open = self.flush_caller(out);
        self.context.caller(&open);
        self.course.consult(self.now + BACK_WITHIN);
        self.end_consult("", out);
    }

    /// The call is over for both.
    pub(super) fn end_handed_over(&mut self, out: &mut Vec<Command>) {
        out.push(Command::HangUp { by: DisconnectedBy::TransferToAgent });
        self.finish(DisconnectedBy::TransferToAgent, out);
    }

    /// The bot takes the call back, and the model says something about it.
    fn caller_is_back(&mut self, out: &mut Vec<Command>) {
        let Some(consult) = self.consult.take() else { return };
        let was_there = self.transfer.as_ref().is_some_and(|transfer| transfer.done);
        if was_there {
            self.report.event(self.now, EventKind::AgentLeft, "the bot leads the call again", out);
            self.context.note("The human agent has left the call. You talk with the caller again.");
        } else {
            self.report.event(self.now, EventKind::TransferFailed, consult.why.clone(), out);
            if let Some(transfer) = &mut self.transfer {
                transfer.failed = Some(consult.why.clone());
            }
            let why = consult.why;
            self.context.note(&format!(
                "The transfer failed: {why}. The caller was on hold with music and is back on the line."
            ));
        }
        self.prompts_used = 0;
        self.clock = TurnClock::default();
        self.course.release();
        if self.listening.recogniser.is_lost() {
            return self.give_up_hearing("the recogniser was lost while the caller was on hold".into(), out);
        }
        self.listen_again(out);
        if self.gives_up(out) {
            return;
        }
        if self.course.is_late() {
            // The next transfer must not put the end off once more.
            return self.on_call_timer(PhaseTimer::MaxDuration, out);
        }
        self.think_anew(out);
    }

    /// The caller hung up, or is gone. Whoever was asked meanwhile is told.
    pub(super) fn hung_up(&mut self, by: DisconnectedBy, out: &mut Vec<Command>) {
        let state = self.consult.as_ref().map(|consult| consult.state);
        match (self.course.phase(), state) {
            (Phase::HandedOver, _) => self.finish(DisconnectedBy::TransferToAgent, out),
            (Phase::Consulting, Some(State::Greeted | State::Asked | State::Joining)) => {
                self.drop_summary(out);
                if let Some(transfer) = &mut self.transfer {
                    transfer.failed = Some("the caller hung up while somebody was asked".to_owned());
                }
                let gone = texts(&self.rules.language).caller_gone.to_owned();
                self.say_goodbye(gone, by, out);
            }
            _ => self.finish(by, out),
        }
    }

    /// What belongs to a consultation when the call is over.
    pub(super) fn finish_consult(&mut self, out: &mut Vec<Command>) {
        self.drop_summary(out);
        self.handing = None;
        let Some(consult) = self.consult.take() else { return };
        if let Some(transfer) = self.transfer.as_mut().filter(|transfer| !transfer.done) {
            transfer.failed.get_or_insert_with(|| match consult.state {
                State::Thanked | State::Ending => consult.why,
                _ => "the call ended before somebody took it".to_owned(),
            });
        }
    }

    /// A step that the line or the person owed did not come in time.
    pub(super) fn consult_late(&mut self, out: &mut Vec<Command>) {
        match self.consult.as_ref().map(|consult| consult.state) {
            Some(State::Ringing) => self.end_consult("nobody answered in time", out),
            Some(State::Greeted | State::Asked) => self.end_consult("they did not decide in time", out),
            Some(State::Thanked) => self.end_consult("", out),
            Some(State::Joining) => self.end_consult("they could not be connected with the caller", out),
            Some(State::Ending | State::Joined) | None => {
                self.fail_line("the caller could not be taken off hold".into(), out)
            }
        }
    }

    /// The summary takes too long, or the question has no answer.
    pub(super) fn on_consult_timer(&mut self, out: &mut Vec<Command>) {
        match self.consult.as_ref().map(|consult| (consult.state, consult.questions)) {
            Some((State::Greeted, _)) => {
                self.drop_summary(out);
                self.ask_person(out);
            }
            Some((State::Asked, questions)) if questions < MAX_QUESTIONS => self.ask_person(out),
            Some((State::Asked, _)) => self.decline("they did not answer the question", out),
            _ => {}
        }
    }

    /// Whoever has heard all that was said is waited for.
    pub(super) fn go_on_consult(&mut self, is_silent: bool, out: &mut Vec<Command>) {
        match self.consult.as_ref().map(|consult| consult.state) {
            Some(State::Thanked) if is_silent => self.end_consult("", out),
            Some(State::Asked) if is_silent && !self.listening.is_active() => {
                self.course.ask_again_at(self.now + QUESTION_PATIENCE);
            }
            Some(State::Asked) => self.course.not_asked_again(),
            _ => {}
        }
    }

    /// Whether what people say is heard: not on hold, nor while the line goes from one to the other.
    pub(super) fn listens(&self) -> bool {
        let is_heard = |state| matches!(state, State::Greeted | State::Asked | State::Joined);
        self.course.listens() && self.consult.as_ref().is_none_or(|consult| is_heard(consult.state))
    }

    /// Whether the bot's words reach anybody: not while the line goes from one to the other.
    pub(super) fn may_speak(&self) -> bool {
        let is_heard = |state| matches!(state, State::Greeted | State::Asked | State::Thanked);
        self.course.is_consulting() && self.consult.as_ref().is_some_and(|consult| is_heard(consult.state))
    }

    /// What is said and heard now is between the bot and somebody who is asked.
    pub(super) fn is_aside(&self) -> bool {
        self.consult.as_ref().is_some_and(|consult| consult.state != State::Joined)
    }

    /// Whether what is heard and said now belongs into the recording: not what is said while the caller is on hold, nor what caller and
    /// person say to each other when the bot has left, nor what is said with a bot that is not to be recorded.
    pub fn is_recorded(&self) -> bool {
        !self.is_aside() && !self.course.is_handed_over() && self.rules.records
    }

    /// Whether the bot has left: a person has the call.
    pub fn is_handed_over(&self) -> bool {
        self.course.is_handed_over()
    }
}
