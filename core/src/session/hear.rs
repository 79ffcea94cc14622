//! What the caller's sound and words mean for the conversation.

use std::time::Duration;

use vox_shared::wire::answers::Service;
use vox_shared::wire::result::{LONGEST_LINE_CHARS, TranscriptEntry};

use super::event::{Command, Notice, Span, Window};
use super::kind::{EventKind, WhyKind};
use super::ladder::wish;
use super::listening::{
    Amended, ClosedTurn, Decision, ListenTimer, Listening, NewWords, NextRecogniser, State, Wordless,
};
use super::party::Party;
use super::report::TurnClock;
use super::text::joined;
use super::think::timed_out;
use super::utterance::Kind;
use super::voicing::Change;
use super::{Session, words};
use crate::provider::Failure;
use crate::provider::stt::SttEvent;

impl Session {
    /// The ear for this one's line.
    fn ear(&mut self, who: Party) -> &mut Listening {
        match who {
            Party::Caller => &mut self.listening,
            Party::Agent => &mut self.agent_ear,
            Party::Supervisor => &mut self.bots_ear,
        }
    }

    /// Whether what this one says counts now. Whoever instructs the bot may do so also while the caller is on hold.
    fn hears(&self, who: Party) -> bool {
        match who {
            Party::Caller | Party::Agent => self.listens(),
            Party::Supervisor => self.bots_ear_is_open,
        }
    }

    pub(super) fn on_window(&mut self, who: Party, window: &Window, out: &mut Vec<Command>) {
        let now = self.now;
        match self.ear(who).window(window) {
            Some(Change::Began { since, probability }) => {
                if who == Party::Supervisor || !self.is_aside() {
                    let why = format!("speech probability {probability:.2} held");
                    self.report.speech(since, who.started(), why);
                }
                if self.hears(who) {
                    self.ear(who).speech_began(since, now);
                    self.consider_interruption(out);
                }
            }
            Some(Change::Ended { acoustic_end, probability }) => {
                if who == Party::Supervisor || !self.is_aside() {
                    let why = format!("speech probability {probability:.2}");
                    self.report.speech(acoustic_end, who.stopped(), why);
                }
                if self.hears(who) {
                    let pause = self.ear(who).speech_ended(acoustic_end, now);
                    let judged = self.rules.judges_turns && self.course.is_live() && who == Party::Caller;
                    out.extend(pause.filter(|_| judged).map(|id| Command::JudgeTurn { id }));
                }
            }
            None if self.listening.is_speaking() => return self.consider_interruption(out),
            None => return,
        }
        self.look_at_machine();
    }

    pub(super) fn on_listen_timer(&mut self, who: Party, timer: ListenTimer, out: &mut Vec<Command>) {
        let now = self.now;
        match timer {
            ListenTimer::EndOfTurn => {
                let decision = self.ear(who).decide(now);
                self.decided(who, decision, out);
            }
            ListenTimer::Over => {
                let decision = self.ear(who).decide_over(now);
                self.decided(who, decision, out);
            }
            ListenTimer::Transcript => self.transcript_late(who, out),
            ListenTimer::Wordless => self.sound_without_words(who, out),
            ListenTimer::SttReady => self.stt_failed(who, &timed_out("not ready in time"), out),
            ListenTimer::SttRetry => self.open_stt(who, out),
            ListenTimer::SttSilent => {
                let (rungs, before) = (self.rungs(Service::Stt), self.ear(who).recogniser.provider());
                if self.ear(who).recogniser.is_silent(rungs) {
                    self.reopen_silent_stt(who, before, out);
                }
            }
        }
    }

    /// Somebody has been silent for long enough.
    fn decided(&mut self, who: Party, decision: Decision, out: &mut Vec<Command>) {
        if who != Party::Supervisor {
            self.clock.decided = Some(self.now);
        }
        match decision {
            Decision::Close(why) => self.close_turn(who, why, out),
            Decision::Finalise => out.push(who.finalize_stt()),
        }
    }

    fn transcript_late(&mut self, who: Party, out: &mut Vec<Command>) {
        let now = self.now;
        if !self.reopens_deaf(who, out) && !self.ear(who).waits_for_more(now) {
            self.close_turn(who, "no final transcript in time", out);
        }
    }

    /// There was no sign of life in the whole turn: the recogniser is opened anew, or another one, and its words are waited for.
    fn reopens_deaf(&mut self, who: Party, out: &mut Vec<Command>) -> bool {
        let (now, rungs) = (self.now, self.rungs(Service::Stt));
        let before = self.ear(who).recogniser.provider();
        if !self.ear(who).is_deaf(rungs) {
            return false;
        }
        self.reopen_silent_stt(who, before, out);
        self.ear(who).await_transcript(now);
        true
    }

    /// The detector hears speech and the recogniser has no words for it.
    fn sound_without_words(&mut self, who: Party, out: &mut Vec<Command>) {
        let (now, over_bot, rungs) = (self.now, self.plan.is_paused(), self.rungs(Service::Stt));
        let ear = self.ear(who);
        let before = ear.recogniser.provider();
        match ear.wordless(over_bot, rungs, now) {
            Wordless::Waits => return,
            Wordless::Ask => return out.push(who.finalize_stt()),
            Wordless::Deaf => return self.reopen_silent_stt(who, before, out),
            Wordless::Noise => {}
        }
        let ear = self.ear(who);
        if ear.text().is_empty() {
            return self.close_turn(who, "sound without words", out);
        }
        let decision = ear.decide_over(now);
        self.decided(who, decision, out);
    }

    pub(super) fn on_stt(&mut self, who: Party, event: SttEvent, out: &mut Vec<Command>) {
        if let SttEvent::Failed(failure) = event {
            return self.stt_failed(who, &failure, out);
        }
        if !self.hears(who) {
            return;
        }
        let now = self.now;
        let ear = self.ear(who);
        let shows_life = !(is_empty_answer(&event) && ear.answers_show_nothing());
        if shows_life {
            ear.sign(now);
        }
        match event {
            // Nothing is begun on a likely end yet; its words are words.
            SttEvent::Partial { text } | SttEvent::EagerEnd { text } => {
                ear.result(now);
                self.on_partial(who, &text, out);
            }
            SttEvent::Final { text, confidence, words, from_finalize, utterance_end } => {
                if shows_life {
                    ear.result(now);
                }
                let is_asked = from_finalize && ear.is_asked_in_speech();
                let new = ear.final_words(&text, confidence, words, now);
                self.take_words(who, &new, out);
                let is_this_turn = new.open || new.late.is_none();
                if utterance_end && is_this_turn && !is_asked {
                    self.ear(who).utterance_end(false, now);
                }
                if (from_finalize || utterance_end) && is_this_turn {
                    self.last_words_came(who, out);
                }
            }
            SttEvent::UtteranceEnd => {
                ear.result(now);
                ear.utterance_end(true, now);
            }
            SttEvent::Ready => ear.ready(now),
            SttEvent::SpeechStarted { .. }
            | SttEvent::EagerEndRevoked
            | SttEvent::Usage { .. }
            | SttEvent::Failed(_) => {}
        }
    }

    fn take_words(&mut self, who: Party, new: &NewWords, out: &mut Vec<Command>) {
        if let Some(late) = &new.late {
            self.add_late_words(who, late, out);
        }
        if new.open {
            if who == Party::Caller {
                self.course.not_silent();
            }
            self.consider_interruption(out);
        }
    }

    /// The recogniser says that these are all the words there are.
    fn last_words_came(&mut self, who: Party, out: &mut Vec<Command>) {
        let now = self.now;
        let ear = self.ear(who);
        let waits = ear.waits_for_more(now) || ear.waits_for_any(now);
        if ear.state() == State::Deciding && !waits && !self.reopens_deaf(who, out) {
            self.close_turn(who, "final transcript", out);
        }
    }

    fn on_partial(&mut self, who: Party, text: &str, out: &mut Vec<Command>) {
        let (now, turn) = (self.now, self.turn);
        let new = self.ear(who).partial(text, now);
        if new.open
            && !self.is_aside()
            && let Some(speaker) = who.speaker()
        {
            let entry = TranscriptEntry { speaker, ..self.ear(who).line(turn, now) };
            out.push(Command::Notify(Notice::Transcript { entry, is_final: false }));
        }
        self.take_words(who, &new, out);
    }

    /// The final of a turn that was closed on an interim: the record and the model learn it, and a reply that nobody heard yet
    /// is asked for anew.
    fn add_late_words(&mut self, who: Party, late: &Amended, out: &mut Vec<Command>) {
        if who == Party::Supervisor {
            // The note stands: the model is told the better words too.
            return self.guide(&late.whole, out);
        }
        // Of somebody who is asked to take the call the first words decide.
        if self.is_aside() {
            return;
        }
        if !self.amend_words(who, late, out) {
            return;
        }
        self.report.event(self.now, EventKind::WordsAdded, "a final transcript came after the turn", out);
        let is_replying = self.thinking.is_busy() || self.speaking.is_busy() || !self.plan.is_silent();
        if is_replying && !self.speaking.is_heard() && !self.plan.is_paused() && !self.listening.is_active() {
            self.asked.clone_from(&late.whole);
            self.think_anew(out);
        }
    }

    /// What somebody said turns out to be more, or other words. True when the model had been told the words before.
    fn amend_words(&mut self, who: Party, late: &Amended, out: &mut Vec<Command>) -> bool {
        if let Some(speaker) = who.speaker() {
            self.report.amend(speaker, &late.before, &late.whole, out);
        }
        let waits = who == Party::Caller && self.plan.amend_unanswered(&late.before, &late.whole);
        !waits && self.context.amend(who, &late.before, &late.whole)
    }

    /// A model that hears by itself has written down what the caller said in `span`: the record and the context learn it. The
    /// reply is to the sound, so nothing is asked anew.
    pub(super) fn model_heard(&mut self, span: Span, text: &str, out: &mut Vec<Command>) {
        let whole: String = text.trim().chars().take(LONGEST_LINE_CHARS).collect();
        if whole.is_empty() {
            return;
        }
        let late = Amended { before: span.as_text(), whole };
        if self.asked == late.before {
            self.asked.clone_from(&late.whole);
        }
        self.amend_words(Party::Caller, &late, out);
    }

    /// The turn is over and its words are as good as they get.
    fn close_turn(&mut self, who: Party, why: &str, out: &mut Vec<Command>) {
        let (now, turn) = (self.now, self.turn);
        let closed = self.ear(who).close(turn, now);
        if who == Party::Supervisor {
            return self.guide(&closed.text, out);
        }
        if self.is_aside() {
            return self.person_said(&closed, out);
        }
        self.report.speech(now, WhyKind::TurnClosed, why);
        if self.course.is_accompanied() {
            return self.write_down(who, closed, out);
        }
        if self.course.is_screening() {
            return self.note_before_opening(who, closed, out);
        }
        if closed.text.is_empty() {
            return self.close_without_words(&closed, out);
        }
        self.prompts_used = 0;
        let over_bot = self.speaking.is_busy();
        let asks_nothing = self.asks_for_no_answer(&closed);
        let mut line = closed.line.clone();
        if !over_bot && !asks_nothing {
            self.turn += 1;
            line.turn = self.turn;
            self.clock = self.turn_clock(&closed);
        }
        if !self.rules.model_hears() {
            let place = self.listening.recogniser.provider();
            let is_new = self.clock.closed == Some(now);
            let after = self.clock.decided.filter(|_| is_new).map(|decided| now.saturating_sub(decided));
            self.note_answered((Service::Stt, place), after, out);
        }
        self.report.line_in_time(line, out);
        if asks_nothing {
            let why = "words that ask for no answer";
            self.report.event(self.now, EventKind::Backchannel, why, out);
            return self.resume(out);
        }
        if over_bot {
            return self.plan.owe_answer(&closed.text, closed.sound);
        }
        if let Some(sound) = closed.sound {
            self.plan.hear(sound);
        }
        self.answer(&closed.text, out);
    }

    /// People talk with each other: their words are for the record, and for the model when it speaks again.
    fn write_down(&mut self, who: Party, closed: ClosedTurn, out: &mut Vec<Command>) {
        if closed.text.is_empty() {
            return;
        }
        let Some(speaker) = who.speaker() else { return };
        self.turn += 1;
        let line = TranscriptEntry { turn: self.turn, speaker, ..closed.line };
        let began = Duration::from_millis(line.started_ms);
        let is_echo = self.is_echo_of_the_end(&closed.text, (began, closed.acoustic_end));
        if who == Party::Agent || !is_echo {
            self.context.heard(who, &closed.text, began);
        }
        self.report.line_in_time(line, out);
    }

    fn turn_clock(&self, closed: &ClosedTurn) -> TurnClock {
        TurnClock {
            acoustic_end: Some(closed.acoustic_end),
            decided: self.clock.decided.or(Some(self.now)),
            closed: Some(self.now),
            ..TurnClock::default()
        }
    }

    fn close_without_words(&mut self, closed: &ClosedTurn, out: &mut Vec<Command>) {
        if self.plan.is_paused() {
            self.listening.doubts.false_alarm();
            let pause = Duration::from_secs_f32(self.rules.turn.resume_secs.clamp(0.0, 10.0));
            // A sound that goes on was waited for long enough.
            let at = if self.listening.hears_speech() { self.now } else { closed.acoustic_end + pause };
            return self.speaking.resume_at(at.max(self.now));
        }
        if self.speaking.is_busy() || self.thinking.is_busy() || !self.plan.is_silent() {
            return self.report.event(self.now, EventKind::Noise, "a sound without words", out);
        }
        if self.plan.owes_answer() || !self.listening.doubts.may_ask_again(closed.voiced) {
            return;
        }
        self.listening.note_sign_of_caller();
        let why = format!("{} ms of speech, no words", closed.voiced.as_millis());
        self.report.event(self.now, EventKind::NotUnderstood, why, out);
        self.clock = self.turn_clock(closed);
        let text = self.rules.phrases.not_understood.clone();
        self.say_phrase(&text, Kind::Prompt, out);
    }

    /// Nobody listens any more: what the caller said last still belongs to the record, and is given back.
    pub(super) fn flush_caller(&mut self, out: &mut Vec<Command>) -> String {
        let closed = self.listening.close(self.turn + 1, self.now);
        if !closed.text.is_empty() {
            self.turn += 1;
            self.report.line_in_time(closed.line, out);
        }
        closed.text
    }

    /// The agent is gone, or the call ends: the same for what the agent said last.
    pub(super) fn flush_agent(&mut self, out: &mut Vec<Command>) {
        let closed = self.agent_ear.close(self.turn, self.now);
        self.write_down(Party::Agent, closed, out);
    }

    /// The recogniser broke, or did not get ready.
    fn stt_failed(&mut self, who: Party, failure: &Failure, out: &mut Vec<Command>) {
        let now = self.now;
        if self.ear(who).recogniser.is_lost() || !self.hears(who) {
            return;
        }
        self.ear(who).broke();
        let place = self.ear(who).recogniser.provider();
        let vendor = self.rules.stt.at(place);
        self.report.failure("stt", &vendor);
        self.note_failed((Service::Stt, place), failure, out);
        let mut text = format!("{}: {failure}", vendor.provider);
        if who != Party::Caller {
            text.insert_str(0, &format!("the {}'s ", who.name()));
        }
        self.report.event(now, EventKind::RecogniserFailed, text.clone(), out);
        let rungs = self.rungs(Service::Stt);
        match self.ear(who).recogniser.failed(rungs, wish(failure)) {
            NextRecogniser::Open => self.open_stt(who, out),
            NextRecogniser::OpenAfter(wait) => self.ear(who).open_later(now + wait),
            NextRecogniser::Lost if who == Party::Supervisor => self.whispers_are_lost(text, out),
            NextRecogniser::Lost if self.course.is_accompanied() => self.not_written_down(who),
            // They have keys.
            NextRecogniser::Lost if self.course.is_consulting() => {}
            NextRecogniser::Lost => self.give_up_hearing(text, out),
        }
    }

    /// Nothing that the caller says can be heard any more.
    pub(super) fn give_up_hearing(&mut self, why: String, out: &mut Vec<Command>) {
        self.last_steps(Service::Stt, why, out);
    }

    /// The one at this place is connected and gives no sign of life though there is speech. That may be its fault or the sound's: its
    /// breaker is not told.
    fn reopen_silent_stt(&mut self, who: Party, place: usize, out: &mut Vec<Command>) {
        self.ear(who).broke();
        let why = format!("no result while the {} speaks", who.name());
        self.report.failure("stt", &self.rules.stt.at(place));
        self.report.event(self.now, EventKind::RecogniserFailed, why, out);
        self.open_stt(who, out);
    }

    pub(super) fn open_stt(&mut self, who: Party, out: &mut Vec<Command>) {
        let (now, rungs) = (self.now, self.rungs(Service::Stt));
        if self.ear(who).recogniser.is_lost() || !self.hears(who) || self.rules.stt.is_empty() {
            return;
        }
        let place = self.ear(who).recogniser.begin(rungs);
        let rhythm = self.rules.rhythm(place);
        let ear = self.ear(who);
        let replay = ear.open(rhythm, now);
        out.push(who.open_stt(place, replay));
        if ear.state() == State::Deciding {
            out.push(who.finalize_stt());
        }
    }

    /// What the caller said over the bot, or what stopped it, is a backchannel or the bot's own voice come back.
    fn asks_for_no_answer(&self, closed: &ClosedTurn) -> bool {
        let began = Duration::from_millis(closed.line.started_ms);
        let (utterance, left) = match (self.speaking.utterance(), &self.cut) {
            (Some(utterance), _) => {
                (utterance, format!("{} {}", joined(&utterance.unheard()), self.plan.text()))
            }
            (None, Some(cut)) if self.plan.is_paused() => (cut, self.plan.text()),
            // The reply that is being made is wanted all the same.
            _ if self.thinking.is_busy() && words::is_backchannel(&closed.text, &self.rules.turn) => {
                return true;
            }
            _ => return self.is_echo_of_the_end(&closed.text, (began, closed.acoustic_end)),
        };
        if self.is_echo_of(utterance, &closed.text, (began, closed.acoustic_end)) {
            return self.speaking.is_busy() || words::words(&left).len() >= WORDS_LEFT;
        }
        let is_answer =
            words::words(&left).len() < WORDS_LEFT && (!self.speaking.is_busy() || asks(utterance, &left));
        words::is_backchannel(&closed.text, &self.rules.turn) && !is_answer
    }
}

/// An answer without words to the question for the last ones.
fn is_empty_answer(event: &SttEvent) -> bool {
    matches!(event, SttEvent::Final { text, from_finalize: true, .. } if text.trim().is_empty())
}

/// An interrupted reply is taken up after a backchannel when at least so many words of it are left; a caller who talks over its
/// last words answers it.
const WORDS_LEFT: usize = 4;

/// Whether what is being said ends in a question.
fn asks(utterance: &super::utterance::Utterance, left: &str) -> bool {
    let sent = joined(&utterance.sent);
    let end = if left.trim().is_empty() { sent.as_str() } else { left };
    end.trim_end().ends_with(['?', '？', '؟'])
}
