//! What the caller's sound and words mean for the conversation.

use std::time::Duration;

use vox_shared::wire::result::DisconnectedBy;

use super::event::{Command, Notice, Window};
use super::kind::{EventKind, WhyKind};
use super::listening::{Amended, ClosedTurn, Decision, ListenTimer, NewWords, NextRecogniser, State};
use super::report::TurnClock;
use super::text::joined;
use super::utterance::Kind;
use super::voicing::Change;
use super::{Session, words};
use crate::provider::Failure;
use crate::provider::stt::SttEvent;

impl Session {
    pub(super) fn on_window(&mut self, window: &Window, out: &mut Vec<Command>) {
        match self.listening.window(window) {
            Some(Change::Began { since, probability }) => {
                let why = format!("speech probability {probability:.2} held");
                self.report.speech(since, WhyKind::CallerStarted, why);
                if self.course.is_live() {
                    self.listening.speech_began(since, self.now);
                    self.consider_interruption(out);
                }
            }
            Some(Change::Ended { acoustic_end, probability }) => {
                let why = format!("speech probability {probability:.2}");
                self.report.speech(acoustic_end, WhyKind::CallerStopped, why);
                if self.course.is_live() {
                    let pause = self.listening.speech_ended(acoustic_end, self.now);
                    out.extend(pause.filter(|_| self.rules.judges_turns).map(|id| Command::JudgeTurn { id }));
                }
            }
            None if self.listening.is_speaking() => self.consider_interruption(out),
            None => {}
        }
    }

    pub(super) fn on_listen_timer(&mut self, timer: ListenTimer, out: &mut Vec<Command>) {
        match timer {
            ListenTimer::EndOfTurn => {
                let decision = self.listening.decide(self.now);
                self.decided(decision, out);
            }
            ListenTimer::Over => {
                let decision = self.listening.decide_over(self.now);
                self.decided(decision, out);
            }
            ListenTimer::Transcript => self.transcript_late(out),
            ListenTimer::Wordless => self.sound_without_words(out),
            ListenTimer::SttReady => self.stt_failed("not ready in time", None, out),
            ListenTimer::SttRetry => self.open_stt(out),
            ListenTimer::SttSilent => {
                if self.listening.recogniser.is_silent(self.rules.stt.len()) {
                    self.reopen_silent_stt(out);
                }
            }
        }
    }

    /// The caller has been silent for long enough.
    fn decided(&mut self, decision: Decision, out: &mut Vec<Command>) {
        self.clock.decided = Some(self.now);
        match decision {
            Decision::Close(why) => self.close_turn(why, out),
            Decision::Finalise => out.push(Command::FinalizeStt),
        }
    }

    fn transcript_late(&mut self, out: &mut Vec<Command>) {
        if self.listening.is_deaf(self.rules.stt.len()) {
            self.reopen_silent_stt(out);
            return self.listening.await_transcript(self.now);
        }
        if !self.listening.waits_for_more(self.now) {
            self.close_turn("no final transcript in time", out);
        }
    }

    /// The detector hears speech and the recogniser has no words for it.
    fn sound_without_words(&mut self, out: &mut Vec<Command>) {
        let over_bot = self.plan.is_paused();
        if !self.listening.is_wordless(over_bot, self.now) {
            return;
        }
        if self.listening.text().is_empty() {
            return self.close_turn("sound without words", out);
        }
        let decision = self.listening.decide_over(self.now);
        self.decided(decision, out);
    }

    pub(super) fn on_stt(&mut self, event: SttEvent, out: &mut Vec<Command>) {
        if let SttEvent::Failed(failure) = event {
            return self.stt_broke(&failure, out);
        }
        if !self.course.is_live() {
            return;
        }
        self.listening.sign(self.now);
        match event {
            SttEvent::Partial { text } => {
                self.listening.result(self.now);
                self.on_partial(&text, out);
            }
            SttEvent::Final { text, confidence, words, from_finalize, utterance_end } => {
                self.listening.result(self.now);
                let new = self.listening.final_words(&text, confidence, words, self.now);
                self.take_words(&new, out);
                let is_this_turn = new.open || new.late.is_none();
                if utterance_end && is_this_turn {
                    self.listening.utterance_end(false, self.now);
                }
                if (from_finalize || utterance_end) && is_this_turn {
                    self.last_words_came(out);
                }
            }
            SttEvent::UtteranceEnd => {
                self.listening.result(self.now);
                self.listening.utterance_end(true, self.now);
            }
            SttEvent::Ready => self.listening.ready(self.now),
            SttEvent::SpeechStarted { .. } | SttEvent::Usage { .. } | SttEvent::Failed(_) => {}
        }
    }

    fn take_words(&mut self, new: &NewWords, out: &mut Vec<Command>) {
        if let Some(late) = &new.late {
            self.add_late_words(late, out);
        }
        if new.open {
            self.consider_interruption(out);
        }
    }

    /// The recogniser says that these are all the words there are.
    fn last_words_came(&mut self, out: &mut Vec<Command>) {
        let listening = &mut self.listening;
        let waits = listening.waits_for_more(self.now) || listening.waits_for_any(self.now);
        if listening.state() == State::Deciding && !waits {
            self.close_turn("final transcript", out);
        }
    }

    fn on_partial(&mut self, text: &str, out: &mut Vec<Command>) {
        let new = self.listening.partial(text, self.now);
        if new.open {
            let entry = self.listening.line(self.turn, self.now);
            out.push(Command::Notify(Notice::Transcript { entry, is_final: false }));
        }
        self.take_words(&new, out);
    }

    /// The final of a turn that was closed on an interim: the record and the model learn it, and a reply that nobody heard yet
    /// is asked for anew.
    fn add_late_words(&mut self, late: &Amended, out: &mut Vec<Command>) {
        self.report.amend(&late.before, &late.whole, out);
        if self.plan.amend_unanswered(&late.before, &late.whole) {
            return;
        }
        if !self.context.amend_caller(&late.before, &late.whole) {
            return;
        }
        self.report.event(self.now, EventKind::WordsAdded, "a final transcript came after the turn", out);
        let is_replying = self.thinking.is_busy() || self.speaking.is_busy() || !self.plan.is_silent();
        if is_replying && !self.speaking.is_heard() && !self.plan.is_paused() && !self.listening.is_active() {
            self.asked.clone_from(&late.whole);
            self.think_anew(out);
        }
    }

    /// The turn is over and its words are as good as they get.
    fn close_turn(&mut self, why: &str, out: &mut Vec<Command>) {
        let closed = self.listening.close(self.turn, self.now);
        self.report.speech(self.now, WhyKind::TurnClosed, why);
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
        self.report.line(line, out);
        if asks_nothing {
            let why = "words that ask for no answer";
            self.report.event(self.now, EventKind::Backchannel, why, out);
            return self.resume(out);
        }
        if over_bot {
            return self.plan.owe_answer(&closed.text);
        }
        self.answer(&closed.text, out);
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

    /// The call ends: what the caller said last still belongs to the record.
    pub(super) fn flush_caller(&mut self, out: &mut Vec<Command>) {
        if self.listening.text().is_empty() {
            return;
        }
        self.turn += 1;
        let closed = self.listening.close(self.turn, self.now);
        self.report.line(closed.line, out);
    }

    fn stt_broke(&mut self, failure: &Failure, out: &mut Vec<Command>) {
        if !failure.class.is_transient() && self.rules.stt.len() == 1 {
            // A wrong key stays wrong.
            self.listening.recogniser.give_up();
        }
        self.stt_failed(&failure.to_string(), failure.retry_after, out);
    }

    /// The recogniser broke, or did not get ready.
    fn stt_failed(&mut self, why: &str, retry_after: Option<Duration>, out: &mut Vec<Command>) {
        if self.listening.recogniser.is_lost() || !self.course.is_live() {
            return;
        }
        self.listening.broke();
        let vendor = self.rules.stt.at(self.listening.recogniser.provider());
        let text = format!("{}: {why}", vendor.provider);
        self.report.event(self.now, EventKind::RecogniserFailed, text.clone(), out);
        match self.listening.recogniser.failed(self.rules.stt.len(), retry_after) {
            NextRecogniser::Open => self.open_stt(out),
            NextRecogniser::OpenAfter(wait) => self.listening.open_later(self.now + wait),
            NextRecogniser::Lost => {
                self.error = Some(text);
                let apology = self.rules.phrases.apology.clone();
                self.say_goodbye(apology, DisconnectedBy::Error, out);
            }
        }
    }

    /// It is connected and gives no sign of life though there is speech.
    fn reopen_silent_stt(&mut self, out: &mut Vec<Command>) {
        self.listening.broke();
        self.report.event(self.now, EventKind::RecogniserFailed, "no result while the caller speaks", out);
        self.open_stt(out);
    }

    pub(super) fn open_stt(&mut self, out: &mut Vec<Command>) {
        if self.listening.recogniser.is_lost() || !self.course.is_live() || self.rules.stt.is_empty() {
            return;
        }
        let replay = self.listening.open(self.now);
        out.push(Command::OpenStt { provider: self.listening.recogniser.provider(), replay });
        if self.listening.state() == State::Deciding {
            out.push(Command::FinalizeStt);
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

/// An interrupted reply is taken up after a backchannel when at least so many words of it are left; a caller who talks over its
/// last words answers it.
const WORDS_LEFT: usize = 4;

/// Whether what is being said ends in a question.
fn asks(utterance: &super::utterance::Utterance, left: &str) -> bool {
    let sent = joined(&utterance.sent);
    let end = if left.trim().is_empty() { sent.as_str() } else { left };
    end.trim_end().ends_with(['?', '？', '؟'])
}
