//! Silence, keys, the goodbye and the end of the call.

use serde_json::json;
use vox_shared::wire::result::{DisconnectedBy, Speaker, TranscriptEntry};

use super::Session;
use super::event::{Command, Outcome};
use super::farewell::{rest_of_message, says_goodbye};
use super::kind::EventKind;
use super::party::Party;
use super::phase::{Phase, PhaseTimer};
use super::report::{TurnClock, ms};
use super::rules;
use super::spending::object;
use super::text::{argument, phrase};
use super::thinking::Thought;
use super::utterance::Kind;
use crate::provider::llm::ToolCall;

impl Session {
    pub(super) fn on_call_timer(&mut self, timer: PhaseTimer, out: &mut Vec<Command>) {
        match timer {
            PhaseTimer::Idle => self.on_idle(out),
            PhaseTimer::Silence => self.on_silence(out),
            PhaseTimer::Keys => self.take_keys(out),
            PhaseTimer::Transfer if self.course.is_consulting() => self.consult_late(out),
            PhaseTimer::Consult => self.on_consult_timer(out),
            // What is said now is not said to the caller.
            PhaseTimer::MaxDuration if self.course.is_consulting() => self.course.end_later(self.now),
            PhaseTimer::MaxDuration if self.course.phase() == Phase::Machine => {
                self.leave_message("the longest duration is reached", out)
            }
            PhaseTimer::Screening => self.verdict_is_late(out),
            PhaseTimer::Machine => self.machine_late(out),
            PhaseTimer::MaxDuration if self.course.is_handed_over() => self.end_handed_over(out),
            PhaseTimer::Transfer if self.course.is_live() => self.bot_is_late(out),
            PhaseTimer::Transfer => self.transfer_failed("nobody answered in time", out),
            PhaseTimer::Goodbye => self.hang_up_now(out),
            PhaseTimer::DurationWarning => {
                let why = "30 s to the longest duration";
                self.report.event(self.now, EventKind::DurationWarning, why, out);
            }
            PhaseTimer::MaxDuration => {
                self.report.event(self.now, EventKind::MaxDuration, "the longest duration is reached", out);
                let text = self.rules.phrases.time_up.clone();
                self.say_goodbye(text, DisconnectedBy::Timeout, out);
            }
        }
    }

    /// Nobody has spoken for a while.
    fn on_idle(&mut self, out: &mut Vec<Command>) {
        self.idle_since = None;
        let by = if self.listening.ever_spoke() { DisconnectedBy::Timeout } else { DisconnectedBy::Rnr };
        let Some(re_engagement) = self.rules.re_engagement.clone() else {
            let why = "no speech for the longest allowed silence";
            self.report.event(self.now, EventKind::SilenceLimit, why, out);
            self.course.end(by, self.now);
            return self.hang_up_now(out);
        };
        let why = format!("{} s without speech", re_engagement.after_secs);
        self.report.event(self.now, EventKind::CallerSilent, why, out);
        match re_engagement.prompts.get(self.prompts_used) {
            Some(prompt) => {
                self.prompts_used += 1;
                self.say_phrase(prompt, Kind::Prompt, out);
            }
            None => self.say_goodbye(re_engagement.goodbye, by, out),
        }
    }

    pub(super) fn on_key(&mut self, key: char, out: &mut Vec<Command>) {
        if !matches!(key, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        if self.course.is_live() {
            self.note_caller_is_there();
        }
        self.report.event(self.now, EventKind::Dtmf, "a key was pressed", out);
        if key == '#' && self.keys.is_empty() {
            // The end of an entry that never began.
            return;
        }
        // The first key of an entry stops the bot; what it says of its own accord meanwhile the others do not.
        if self.rules.turn.interruptible && self.keys.is_empty() && self.course.is_live() {
            self.fall_silent_for("a key was pressed", out);
        }
        if key != '#' {
            if self.keys.is_empty() {
                self.keyed_since = self.now;
            }
            self.keys.push(key);
        }
        if key == '#' || self.keys.len() >= rules::MAX_DIGITS {
            self.take_keys(out);
        } else {
            self.course.await_keys(self.now + rules::INTER_DIGIT);
        }
    }

    /// A caller who presses keys or writes is there.
    pub(super) fn note_caller_is_there(&mut self) {
        self.listening.note_sign_of_caller();
        self.prompts_used = 0;
        self.idle_since = None;
        self.course.not_idle();
        self.course.not_silent();
    }

    /// The caller's keys or messages stop the bot.
    pub(super) fn fall_silent_for(&mut self, why: &str, out: &mut Vec<Command>) {
        let speaks = self.speaking.is_busy() || self.thinking.is_busy() || !self.plan.is_silent();
        if !speaks || self.owes_greeting() {
            return;
        }
        self.cancel_thought(out);
        if self.silence_mouth(out) {
            self.report.event(self.now, EventKind::Interrupted, why, out);
        }
        self.cut = None;
        self.plan.answer(None);
    }

    /// Nothing of the greeting was heard yet: carriers send a key for "accept", and what the greeting has to say must be said.
    /// The key is answered after it.
    fn owes_greeting(&self) -> bool {
        let in_mouth = self.speaking.utterance().map(|u| u.kind);
        let next = in_mouth.or(self.plan.first_kind());
        next == Some(Kind::Greeting) && !self.speaking.is_heard()
    }

    /// The entry is complete. Where the bot does not lead the model knows it, and nobody answers.
    fn take_keys(&mut self, out: &mut Vec<Command>) {
        self.course.clear(PhaseTimer::Keys);
        let since = self.keyed_since;
        let Some(text) = self.note_keys(out) else { return };
        if self.course.is_live() {
            self.clock = TurnClock { closed: Some(self.now), ..TurnClock::default() };
            return self.answer(&text, out);
        }
        match self.course.is_accompanied() {
            true => self.context.heard(Party::Caller, &text, since),
            false => self.context.caller(&text),
        }
    }

    /// A line for the keys that wait, also when nobody will answer them: they may sound in the recording, and what hides them there
    /// goes by the lines. So keys have one in every phase of a call.
    fn note_keys(&mut self, out: &mut Vec<Command>) -> Option<String> {
        let keys = std::mem::take(&mut self.keys);
        if keys.is_empty() {
            return None;
        }
        let text = format!("[keypad: {keys}]");
        self.turn += 1;
        let entry = TranscriptEntry {
            turn: self.turn,
            speaker: Speaker::Caller,
            text: text.clone(),
            confidence: None,
            // The keys sound meanwhile.
            started_ms: ms(self.keyed_since),
            ended_ms: ms(self.now),
            interrupted: false,
            words: Vec::new(),
            bot_id: None,
        };
        self.report.line_in_time(entry, out);
        Some(text)
    }

    /// Say the last words and hang up when they were heard.
    pub(super) fn say_goodbye(&mut self, text: String, by: DisconnectedBy, out: &mut Vec<Command>) {
        self.cancel_thought(out);
        self.silence_mouth(out);
        self.plan.clear();
        if self.course.is_accompanied() {
            self.let_agent_go(out);
        }
        self.wake_voice(out);
        self.become_goodbye(by);
        self.say_phrase(&text, Kind::Goodbye, out);
    }

    /// What is being said and planned is the last.
    pub(super) fn become_goodbye(&mut self, by: DisconnectedBy) {
        self.course.end(by, self.now);
        self.listening.stop();
        self.plan.make_last();
        self.speaking.make_last();
    }

    /// The model ends the call, once the caller is not speaking: who goes on meanwhile is answered instead. Its goodbye is spoken
    /// to the end first, and nothing interrupts it; the message is not said when the model's own words say it already, and
    /// without either the bot has a goodbye.
    pub(super) fn end_call(&mut self, call: &ToolCall, thought: &Thought, out: &mut Vec<Command>) {
        let message = argument(&call.arguments, "message").unwrap_or_default();
        self.note_ended(call, out);
        let last = rest_of_message(&thought.said, message.trim());
        let mut last = phrase(&last, &self.rules.language);
        if last.is_none() && thought.said.is_empty() {
            last = phrase(&self.rules.closing, &self.rules.language);
        }
        self.plan_last_piece(last, out);
        self.plan.end_with_this();
    }

    /// In the record: the model ends the call.
    pub(super) fn note_ended(&mut self, call: &ToolCall, out: &mut Vec<Command>) {
        let input = self.shown(&call.arguments);
        let data = object(json!({"tool": rules::END_CALL, "input": input, "status": "ok"}));
        let told = (rules::END_CALL.to_owned(), data);
        self.report.event_with(self.now, EventKind::ToolCalled, told, out);
    }

    /// The model had ended the call before this reply, and what it `said` in it is the last: with the bot's goodbye, where that is none.
    pub(super) fn end_after(&mut self, said: &str, out: &mut Vec<Command>) {
        let closing =
            if says_goodbye(said) { String::new() } else { rest_of_message(said, &self.rules.closing) };
        let last = phrase(&closing, &self.rules.language);
        self.plan_last_piece(last, out);
        self.plan.end_with_this();
    }

    pub(super) fn hang_up_now(&mut self, out: &mut Vec<Command>) {
        let by = match self.course.phase() {
            Phase::Ending(by) => by,
            _ => DisconnectedBy::Bot,
        };
        out.push(Command::HangUp { by });
        self.finish(by, out);
    }

    pub(super) fn fail_line(&mut self, why: String, out: &mut Vec<Command>) {
        self.error = Some(why.clone());
        self.report.event(self.now, EventKind::LineFailed, why, out);
        out.push(Command::HangUp { by: DisconnectedBy::Error });
        self.finish(DisconnectedBy::Error, out);
    }

    /// The conversation is over: leave the record, once.
    pub(super) fn finish(&mut self, by: DisconnectedBy, out: &mut Vec<Command>) {
        if self.is_over() {
            return;
        }
        let by = match self.course.phase() {
            // The caller hung up while the bot said goodbye: the bot had ended the call.
            Phase::Ending(ended_by) if by == DisconnectedBy::Customer => ended_by,
            Phase::Machine if by == DisconnectedBy::Customer => DisconnectedBy::Voicemail,
            _ => by,
        };
        self.cancel_thought(out);
        self.drop_recap(out);
        self.end_tools(out);
        self.silence_mouth(out);
        self.context.drop_promises();
        self.finish_consult(out);
        if self.course.is_accompanied() {
            self.let_agent_go(out);
        }
        self.let_supervisors_go(out);
        let _unanswered = self.note_keys(out);
        self.flush_caller(out);
        self.note_unsaid(out);
        if self.has_left_message() {
            self.report.event(self.now, EventKind::VoicemailLeft, "the message was heard to its end", out);
        }
        self.report.event(self.now, EventKind::Ended, by.as_str(), out);
        self.course.finish();
        self.listening.stop();
        self.speaking.finish();
        let report = std::mem::take(&mut self.report);
        out.push(Command::Finish(Box::new(Outcome {
            disconnected_by: by,
            duration: self.now,
            transcript: report.transcript,
            events: report.events,
            why: report.why,
            latency: report.latency,
            first_audio: report.first_audio,
            barge_in: report.barge_in,
            usage: report.usage,
            transfer: self.transfer.take(),
            callback: self.callback.take(),
            error: self.error.take(),
        })));
    }
}
