//! Listening: the caller's turn, from the first sound to the words; and what interrupts the bot.

mod ladder;

use std::time::Duration;

use vox_shared::wire::result::{Speaker, TranscriptEntry, Word};

use super::event::{Command, Notice, Window};
use super::gate::Change;
use super::report::{TurnClock, ms};
use super::timer::Timer;
use super::utterance::Kind;
use super::{Phase, Session, words};
use crate::provider::stt::SttEvent;

/// The recogniser must say something this long after speech began …
const STT_FIRST_RESULT: Duration = Duration::from_millis(1_500);
/// … and then at least this often while speech goes on.
const STT_NEXT_RESULT: Duration = Duration::from_secs(3);
/// An interrupted reply is taken up after a backchannel when at least so many words of it are left; a caller who talks over its
/// last words answers it.
const WORDS_LEFT: usize = 4;
/// Speech without words shorter than this is a noise, longer is "I did not understand".
const UNDERSTANDABLE: Duration = Duration::from_millis(250);
/// "I did not understand" at most this often in a row.
const MAX_REPROMPTS: u32 = 2;
/// A turn that never pauses is answered after this.
const LONGEST_TURN: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hearing {
    #[default]
    Quiet,
    Speaking,
    /// Silence after speech: the end-of-turn timer runs.
    Paused,
    /// The turn is over; the final words are on their way.
    Deciding,
}

/// The caller's turn so far.
#[derive(Debug, Default)]
pub struct Ear {
    state: Hearing,
    finals: String,
    partial: String,
    words: Vec<Word>,
    confidence: Option<f32>,
    began: Option<Duration>,
    burst_since: Duration,
    voiced: Duration,
    acoustic_end: Duration,
    /// The last turn was closed on these words of a partial: their final is still to come and must not count twice.
    late_final: Option<String>,
    reprompts: u32,
    stt_provider: usize,
    stt_failures: u32,
    stt_lost: bool,
    /// The caller said or keyed something in this call.
    pub ever_spoke: bool,
}

impl Ear {
    /// The caller is speaking right now.
    pub fn is_speaking(&self) -> bool {
        self.state == Hearing::Speaking
    }

    /// The caller fell silent and the turn is not closed yet.
    pub fn is_deciding(&self) -> bool {
        matches!(self.state, Hearing::Paused | Hearing::Deciding)
    }

    /// A turn is under way.
    pub fn is_active(&self) -> bool {
        self.state != Hearing::Quiet
    }

    fn text(&self) -> String {
        match (self.finals.is_empty(), self.partial.is_empty()) {
            (_, true) => self.finals.clone(),
            (true, false) => self.partial.clone(),
            (false, false) => format!("{} {}", self.finals, self.partial),
        }
    }

    fn reset(&mut self) {
        self.state = Hearing::Quiet;
        self.finals.clear();
        self.partial.clear();
        self.words.clear();
        self.confidence = None;
        self.began = None;
        self.voiced = Duration::ZERO;
    }
}

impl Session {
    pub(super) fn on_window(&mut self, window: &Window, out: &mut Vec<Command>) {
        match self.gate.push(window) {
            Some(Change::Began { since, probability }) => self.speech_began(since, probability, out),
            Some(Change::Ended { acoustic_end, probability }) => {
                self.speech_ended(acoustic_end, probability, out)
            }
            None => {}
        }
        if self.ear.is_speaking() {
            self.consider_interruption(out);
        }
    }

    fn speech_began(&mut self, since: Duration, probability: f32, out: &mut Vec<Command>) {
        self.report.speech(since, "caller_started", format!("speech probability {probability:.2} held"));
        if self.phase != Phase::Live {
            return;
        }
        self.ear.state = Hearing::Speaking;
        self.ear.burst_since = since;
        if self.ear.began.is_none() {
            self.ear.began = Some(since);
        }
        for timer in [Timer::Transcript, Timer::Idle, Timer::Resume] {
            self.timers.clear(timer);
        }
        self.timers.set(Timer::EndOfTurn, self.now + LONGEST_TURN);
        let is_open = !self.timers.is_set(Timer::SttReady) && !self.timers.is_set(Timer::SttRetry);
        if !self.ear.stt_lost && is_open {
            self.timers.set(Timer::SttSilent, self.now + STT_FIRST_RESULT);
        }
        self.consider_interruption(out);
    }

    fn speech_ended(&mut self, acoustic_end: Duration, probability: f32, out: &mut Vec<Command>) {
        self.report.speech(acoustic_end, "caller_stopped", format!("speech probability {probability:.2}"));
        self.timers.clear(Timer::SttSilent);
        if self.phase != Phase::Live || self.ear.state != Hearing::Speaking {
            return;
        }
        self.ear.state = Hearing::Paused;
        self.ear.acoustic_end = acoustic_end;
        self.ear.voiced += acoustic_end.saturating_sub(self.ear.burst_since);
        self.schedule_end();
        self.pump(out);
    }

    /// Arm the end of the turn by what the words so far look like.
    fn schedule_end(&mut self) {
        let text = self.ear.text();
        let secs = if words::is_incomplete(&text) {
            self.rules.turn.incomplete_secs
        } else {
            self.rules.turn.complete_secs
        };
        let wait = Duration::from_secs_f32(secs.clamp(0.0, self.rules.turn.watchdog_secs.max(0.1)));
        self.timers.set(Timer::EndOfTurn, (self.ear.acoustic_end + wait).max(self.now));
    }

    /// The silence was long enough: the turn is over, as soon as its words are here.
    pub(super) fn decide_turn(&mut self, out: &mut Vec<Command>) {
        if self.ear.state == Hearing::Speaking {
            self.ear.acoustic_end = self.now;
            self.ear.voiced += self.now.saturating_sub(self.ear.burst_since);
        }
        self.clock.decided = Some(self.now);
        self.timers.clear(Timer::SttSilent);
        if self.ear.finals.is_empty() || !self.ear.partial.is_empty() {
            self.ear.state = Hearing::Deciding;
            out.push(Command::FinalizeStt);
            let wait = Duration::from_secs_f32(self.rules.turn.transcript_secs.clamp(0.05, 10.0));
            self.timers.set(Timer::Transcript, self.now + wait);
        } else {
            self.close_turn("silence after a final transcript", out);
        }
    }

    pub(super) fn on_stt(&mut self, event: SttEvent, out: &mut Vec<Command>) {
        if let SttEvent::Failed(failure) = &event {
            if !failure.class.is_transient() && self.rules.stt.len() == 1 {
                // A wrong key stays wrong: no use in asking again.
                self.ear.stt_failures = ladder::STT_ATTEMPTS;
            }
            return self.stt_failed(&failure.to_string(), failure.retry_after, out);
        }
        self.timers.clear(Timer::SttReady);
        if self.timers.is_set(Timer::SttSilent) {
            self.timers.set(Timer::SttSilent, self.now + STT_NEXT_RESULT);
        }
        match event {
            SttEvent::Partial { text } => self.on_partial(text, out),
            SttEvent::Final { text, confidence, words, from_finalize, utterance_end } => {
                let ends = from_finalize || utterance_end;
                self.on_final(text, confidence, words, out);
                match self.ear.state {
                    Hearing::Deciding if ends => self.close_turn("final transcript", out),
                    Hearing::Paused => self.schedule_end(),
                    _ => {}
                }
            }
            SttEvent::Usage { seconds } => {
                let vendor = self.rules.stt[self.ear.stt_provider].clone();
                self.report.usage("stt", &vendor.provider, &vendor.model).seconds += seconds;
            }
            SttEvent::Ready
            | SttEvent::SpeechStarted { .. }
            | SttEvent::UtteranceEnd
            | SttEvent::Failed(_) => {}
        }
    }

    fn on_partial(&mut self, text: String, out: &mut Vec<Command>) {
        if text.trim().is_empty() || self.phase != Phase::Live {
            return;
        }
        // A partial of the turn that is closed already.
        if self.ear.late_final.is_some() && self.ear.state == Hearing::Quiet {
            return;
        }
        self.ear.stt_failures = 0;
        self.ear.partial = text.trim().to_owned();
        self.note_unheard_speech();
        let entry = self.caller_line(self.ear.text());
        out.push(Command::Notify(Notice::Transcript { entry, is_final: false }));
        if self.ear.state == Hearing::Paused {
            self.schedule_end();
        }
        self.consider_interruption(out);
    }

    fn on_final(&mut self, text: String, confidence: Option<f32>, words: Vec<Word>, out: &mut Vec<Command>) {
        let text = text.trim();
        if self.phase != Phase::Live {
            return;
        }
        if let Some(counted) = self.ear.late_final.take()
            && self.is_of_last_turn(text, &words, &counted)
        {
            return;
        }
        self.ear.partial.clear();
        if text.is_empty() {
            return;
        }
        self.ear.stt_failures = 0;
        if !self.ear.finals.is_empty() {
            self.ear.finals.push(' ');
        }
        self.ear.finals.push_str(text);
        self.ear.words.extend(words);
        self.ear.confidence = confidence.or(self.ear.confidence);
        self.note_unheard_speech();
        self.consider_interruption(out);
    }

    /// Whether a final belongs to the turn that was closed on the partial `counted`.
    fn is_of_last_turn(&self, text: &str, times: &[Word], counted: &str) -> bool {
        match (self.ear.state, times.last()) {
            (Hearing::Quiet, _) => true,
            (_, Some(last)) => Duration::from_millis(last.ended_ms) <= self.ear.burst_since,
            (_, None) => words::words(text) == words::words(counted),
        }
    }

    /// Words came though the detector heard no speech (a faint line): they are a turn all the same.
    fn note_unheard_speech(&mut self) {
        if self.ear.state != Hearing::Quiet {
            return;
        }
        self.ear.state = Hearing::Paused;
        self.ear.began.get_or_insert(self.now);
        self.ear.acoustic_end = self.now;
        self.timers.clear(Timer::Idle);
        self.timers.clear(Timer::Resume);
        self.schedule_end();
    }

    /// The turn is over and its words are as good as they get.
    pub(super) fn close_turn(&mut self, why: &str, out: &mut Vec<Command>) {
        self.timers.clear(Timer::EndOfTurn);
        self.timers.clear(Timer::Transcript);
        let text = self.ear.text();
        self.report.speech(self.now, "turn_closed", why);
        let clock = TurnClock {
            acoustic_end: Some(self.ear.acoustic_end),
            decided: self.clock.decided.or(Some(self.now)),
            closed: Some(self.now),
            ..TurnClock::default()
        };
        if text.is_empty() {
            return self.close_without_words(out);
        }
        let late_final = Some(self.ear.partial.clone()).filter(|partial| !partial.is_empty());
        self.ear.ever_spoke = true;
        self.ear.reprompts = 0;
        self.prompts_used = 0;
        let over_bot = self.mouth.is_some();
        let asks_nothing = self.asks_for_no_answer(&text);
        if !over_bot && !asks_nothing {
            self.turn += 1;
            self.clock = clock;
        }
        let line = self.caller_line(text.clone());
        self.ear.reset();
        self.ear.late_final = late_final;
        self.report.line(line, out);
        if asks_nothing {
            self.report.event(self.now, "backchannel", "words over the bot that ask for no answer", out);
            return self.resume_held(out);
        }
        if !over_bot {
            return self.answer(&text, out);
        }
        let bot_said = self.mouth.as_ref().map(|m| m.sent.clone()).unwrap_or_default();
        if words::is_backchannel(&text, &self.rules.turn) || words::is_echo(&text, &bot_said) {
            self.report.event(self.now, "backchannel", "words over the bot that ask for no answer", out);
        } else {
            self.pending = Some(match self.pending.take() {
                Some(before) => format!("{before} {text}"),
                None => text,
            });
        }
        self.pump(out);
    }

    /// The words that stopped the bot turn out to be a backchannel, or the bot's own voice come back.
    fn asks_for_no_answer(&self, text: &str) -> bool {
        let (Some(cut), Some(held), None) = (&self.cut, &self.held, &self.mouth) else { return false };
        words::words(held).len() >= WORDS_LEFT
            && (words::is_backchannel(text, &self.rules.turn) || words::is_echo(text, cut))
    }

    fn close_without_words(&mut self, out: &mut Vec<Command>) {
        let voiced = self.ear.voiced;
        let acoustic_end = self.ear.acoustic_end;
        self.ear.reset();
        if self.mouth.is_some() || self.thought.as_ref().is_some_and(|t| !t.muted) {
            self.report.event(self.now, "noise", "a sound without words", out);
            return self.pump(out);
        }
        if let Some(text) = self.pending.take() {
            self.turn += 1;
            return self.answer(&text, out);
        }
        if self.held.is_some() {
            let at = acoustic_end + Duration::from_secs_f32(self.rules.turn.resume_secs.clamp(0.0, 10.0));
            self.timers.set(Timer::Resume, at.max(self.now));
            return;
        }
        if voiced >= UNDERSTANDABLE && self.ear.reprompts < MAX_REPROMPTS {
            self.ear.reprompts += 1;
            self.ear.ever_spoke = true;
            self.report.event(
                self.now,
                "not_understood",
                format!("{} ms of speech, no words", voiced.as_millis()),
                out,
            );
            self.clock = TurnClock {
                acoustic_end: Some(acoustic_end),
                decided: self.clock.decided,
                closed: Some(self.now),
                ..TurnClock::default()
            };
            let text = self.rules.phrases.not_understood.clone();
            return self.say_phrase(text, Kind::Prompt, out);
        }
        self.arm_idle();
    }

    /// Whether the caller's speech, as far as it is known, stops the bot.
    fn consider_interruption(&mut self, out: &mut Vec<Command>) {
        let bot_active = self.mouth.is_some() || self.thought.as_ref().is_some_and(|t| !t.muted);
        if !bot_active || !self.rules.turn.interruptible || self.phase != Phase::Live || !self.ear.is_active()
        {
            return;
        }
        if let Some(why) = self.why_interrupt() {
            self.interrupt(&why, out);
        }
    }

    fn why_interrupt(&self) -> Option<String> {
        let text = self.ear.text();
        let said = words::words(&text).len();
        let bot_said = self.mouth.as_ref().map(|m| m.sent.as_str()).unwrap_or_default();
        if words::has_stop_word(&text, &self.rules.turn) {
            return Some("a stop word".into());
        }
        if said > 0 && (words::is_backchannel(&text, &self.rules.turn) || words::is_echo(&text, bot_said)) {
            return None;
        }
        let heard_bot = self.mouth.as_ref().is_some_and(|m| m.started_at.is_some());
        let needed = if heard_bot { self.rules.min_words_interruption.max(1) } else { 1 };
        if said >= needed {
            return Some(format!("{said} words"));
        }
        let speech_for = self.now.saturating_sub(self.ear.burst_since);
        (self.ear.is_speaking() && speech_for.as_secs_f32() >= self.rules.turn.interrupt_secs)
            .then(|| format!("{} ms of speech", speech_for.as_millis()))
    }

    /// Fall silent because the caller speaks.
    pub(super) fn interrupt(&mut self, why: &str, out: &mut Vec<Command>) {
        let since = if self.ear.is_speaking() { self.ear.burst_since } else { self.now };
        if let Some(thought) = &mut self.thought {
            thought.muted = true;
        }
        let Some(mouth) = self.mouth.take_if(|m| m.kind != Kind::Goodbye) else {
            if self.mouth.is_none() {
                self.held.get_or_insert_default();
                self.report.speech(self.now, "caller_went_on", why);
            }
            return;
        };
        let unheard = mouth.unheard();
        let was_heard = mouth.started_at.is_some();
        let said = Some(mouth.sent.clone());
        self.mouth = Some(mouth);
        self.stop_mouth(out);
        self.held = Some(unheard);
        self.cut = said.filter(|_| was_heard);
        if was_heard {
            self.report.barge_in.push(self.now.saturating_sub(since));
            self.report.speech(self.now, "bot_interrupted", why);
            self.report.event(self.now, "interrupted", why, out);
        } else {
            self.report.speech(self.now, "caller_went_on", why);
        }
    }

    /// No words followed an interruption: take the reply up where it stopped.
    pub(super) fn resume_held(&mut self, out: &mut Vec<Command>) {
        let Some(text) = self.held.take() else { return self.arm_idle() };
        if let Some(thought) = &mut self.thought {
            thought.muted = false;
        }
        if text.is_empty() && self.thought.is_none() {
            return self.arm_idle();
        }
        self.report.event(self.now, "resumed", "an interruption without words", out);
        if !text.is_empty() {
            self.say_reply(text, out);
        }
    }

    /// The call ends: what the caller said last still belongs to the record.
    pub(super) fn flush_ear(&mut self, out: &mut Vec<Command>) {
        let text = self.ear.text();
        if !text.is_empty() {
            self.ear.acoustic_end = self.ear.acoustic_end.max(self.ear.began.unwrap_or_default());
            self.turn += 1;
            let line = self.caller_line(text);
            self.report.line(line, out);
        }
        self.ear.reset();
    }

    fn caller_line(&self, text: String) -> TranscriptEntry {
        let ended = if self.ear.is_speaking() { self.now } else { self.ear.acoustic_end };
        TranscriptEntry {
            turn: self.turn,
            speaker: Speaker::Caller,
            text,
            confidence: self.ear.confidence,
            started_ms: ms(self.ear.began.unwrap_or(ended)),
            ended_ms: ms(ended.max(self.ear.began.unwrap_or_default())),
            interrupted: false,
            words: self.ear.words.clone(),
        }
    }
}
