//! The conversation as a pure state machine: `on(now, event)` gives commands. It does no I/O, spawns nothing, never
//! awaits and reads no clock, so a whole call runs in virtual time, and any order of events can be tried.
//!
//! `now` counts from the moment the line's media began; it is the recording's clock.

pub mod books;
pub mod context;
pub mod event;
pub mod gate;
mod hear;
pub mod report;
pub mod rules;
pub mod sentence;
mod speak;
pub mod text;
mod think;
pub mod timer;
pub mod utterance;
pub mod words;

use std::time::Duration;

use vox_shared::wire::result::{DisconnectedBy, Speaker, TranscriptEntry};

use context::Context;
use event::{Command, Event, Outcome, RequestId};
use gate::Gate;
use hear::Ear;
use report::{Report, TurnClock, ms};
use rules::Rules;
use speak::VoiceLadder;
use think::Thought;
use timer::{Timer, Timers};
use utterance::{Kind, Utterance};

use crate::provider::tts::UtteranceId;

/// A goodbye that has not ended after this is cut off.
const GOODBYE_LIMIT: Duration = Duration::from_secs(45);
/// The warning comes this long before the longest duration.
const DURATION_WARNING: Duration = Duration::from_secs(30);
/// Silence that ends a call whose bot has no prompts.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);
/// The longest that a caller hears nothing when it is the bot's turn: the hold tone needs no vendor.
const DEAD_AIR: Duration = Duration::from_secs(3);
/// A recogniser must be ready within this.
const STT_READY: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Media does not flow yet.
    Waiting,
    Live,
    /// The last words are being said.
    Ending(DisconnectedBy),
    Over,
}

/// One conversation.
#[derive(Debug)]
pub struct Session {
    rules: Rules,
    now: Duration,
    phase: Phase,
    timers: Timers,
    gate: Gate,
    ear: Ear,
    mouth: Option<Utterance>,
    thought: Option<Thought>,
    context: Context,
    report: Report,
    clock: TurnClock,
    voice: VoiceLadder,
    model_failures: u32,
    /// Text the bot was about to say when it was interrupted: said after all if no words follow.
    held: Option<String>,
    /// What the interrupted reply had said or was about to, to tell its echo.
    cut: Option<String>,
    /// Words the caller said over the bot without interrupting it: answered when it is done.
    pending: Option<String>,
    digits: String,
    turn: u32,
    prompts_used: usize,
    last_reply: (String, u32),
    next_utterance: UtteranceId,
    next_request: RequestId,
    error: Option<String>,
}

impl Session {
    /// A conversation by these rules; nothing happens before [`Event::Answered`].
    pub fn new(rules: Rules) -> Self {
        let context = Context::new(rules.system_prompt.clone(), rules.tools.clone(), rules.cache_key.clone());
        Self {
            gate: Gate::new(rules.vad.clone()),
            rules,
            now: Duration::ZERO,
            phase: Phase::Waiting,
            timers: Timers::default(),
            ear: Ear::default(),
            mouth: None,
            thought: None,
            context,
            report: Report::default(),
            clock: TurnClock::default(),
            voice: VoiceLadder::default(),
            model_failures: 0,
            held: None,
            cut: None,
            pending: None,
            digits: String::new(),
            turn: 0,
            prompts_used: 0,
            last_reply: (String::new(), 0),
            next_utterance: 1,
            next_request: 1,
            error: None,
        }
    }

    /// Take an event; append what is to be done. Time never runs backwards: an earlier `now` counts as the last one.
    pub fn on(&mut self, now: Duration, event: Event, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        match (self.phase, event) {
            (Phase::Over, _) => {}
            (Phase::Waiting, Event::Answered) => self.begin(out),
            (Phase::Waiting, Event::HungUp { by }) => self.finish(by, out),
            (Phase::Waiting, Event::LineFailed { why }) => self.fail_line(why, out),
            (Phase::Waiting, _) => {}
            (_, Event::Answered) => {}
            (_, Event::Window(window)) => self.on_window(&window, out),
            (_, Event::Stt(event)) => self.on_stt(event, out),
            (_, Event::Llm { request, event }) => self.on_llm(request, event, out),
            (_, Event::Voice(event)) => self.on_voice(event, out),
            (_, Event::Played { utterance, played_ms, audible }) => {
                self.on_played(utterance, played_ms, audible, out)
            }
            (_, Event::Dtmf(digit)) => self.on_dtmf(digit, out),
            (_, Event::HungUp { by }) => self.finish(by, out),
            (_, Event::LineFailed { why }) => self.fail_line(why, out),
            (_, Event::Drain) => self.report.event(self.now, "draining", "the process is asked to stop", out),
            (_, Event::Tick) => {}
        }
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.on_timer(timer, out);
        }
        self.guard_silence();
    }

    /// Silence that is the bot's has an end, even when every vendor stalls.
    fn guard_silence(&mut self) {
        let plays = self.mouth.as_ref().is_some_and(|mouth| mouth.ahead_ms() > 0);
        if self.owes_sound() && !plays {
            self.timers.ensure(Timer::DeadAir, self.now + DEAD_AIR);
        } else {
            self.timers.clear(Timer::DeadAir);
        }
    }

    /// When [`Event::Tick`] is due. `None` before the answer and after the end.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Whether nothing follows any more.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether it is the bot's turn to be heard: it speaks, thinks, or is deciding whether the caller is done.
    pub fn owes_sound(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Over => false,
            Phase::Ending(_) => true,
            Phase::Live => {
                !self.ear.is_speaking()
                    && (self.mouth.is_some()
                        || self.thought.is_some()
                        || self.held.is_some()
                        || self.pending.is_some()
                        || self.ear.is_deciding())
            }
        }
    }

    /// The earliest deadline that goes on with the conversation: the longest duration of the call does not count, nor
    /// does the hold tone.
    pub fn silence_deadline(&self) -> Option<Duration> {
        self.timers.next_of(|t| {
            !matches!(
                t,
                Timer::MaxDuration
                    | Timer::DurationWarning
                    | Timer::SttReady
                    | Timer::SttRetry
                    | Timer::DeadAir
            )
        })
    }

    /// What the speech gate makes of the line now.
    pub fn hears_speech(&self) -> bool {
        self.gate.is_speaking()
    }

    /// Whether audio of this utterance is still wanted.
    pub fn is_saying(&self, utterance: UtteranceId) -> bool {
        self.mouth.as_ref().is_some_and(|m| m.id == utterance && m.rest.is_none())
    }

    /// The conversation as the model would see it now.
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn begin(&mut self, out: &mut Vec<Command>) {
        self.phase = Phase::Live;
        let longest = self.now + self.rules.max_duration;
        self.timers.set(Timer::MaxDuration, longest);
        if self.rules.max_duration > DURATION_WARNING * 2 {
            self.timers.set(Timer::DurationWarning, longest.saturating_sub(DURATION_WARNING));
        }
        self.report.event(self.now, "answered", "media flows", out);
        out.push(Command::OpenVoice { provider: 0 });
        let opening = self.rules.opening_message.clone();
        if opening.is_empty() {
            self.arm_idle();
        } else {
            self.say_phrase(opening, Kind::Greeting, out);
        }
        out.push(Command::OpenStt { provider: 0, replay: Duration::ZERO });
        self.timers.set(Timer::SttReady, self.now + STT_READY);
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Vec<Command>) {
        match timer {
            Timer::EndOfTurn => self.decide_turn(out),
            Timer::Transcript => self.close_turn("no final transcript in time", out),
            Timer::Idle => self.on_idle(out),
            Timer::Dtmf => self.flush_digits(out),
            Timer::Resume => self.resume_held(out),
            Timer::SttReady => self.stt_failed("not ready in time", None, out),
            Timer::SttRetry => self.open_stt(out),
            Timer::SttSilent => self.stt_failed("no result while the caller speaks", None, out),
            Timer::Model => self.model_timed_out(out),
            Timer::Filler => self.say_filler(out),
            Timer::DeadAir => {
                self.report.event(self.now, "hold_tone", "the caller has heard nothing for 3 s", out);
                out.push(Command::HoldTone);
            }
            Timer::Voice => self.voice_failed("no audio in time", out),
            Timer::Playout => self.fail_line("playout does not move".into(), out),
            Timer::Goodbye => self.hang_up_now(out),
            Timer::DurationWarning => {
                self.report.event(self.now, "duration_warning", "30 s to the longest duration", out)
            }
            // A goodbye that runs already has its own limit.
            Timer::MaxDuration if self.phase != Phase::Live => {}
            Timer::MaxDuration => {
                self.report.event(self.now, "max_duration", "the longest duration is reached", out);
                let text = self.rules.phrases.time_up.clone();
                self.say_goodbye(text, DisconnectedBy::Timeout, out);
            }
        }
    }

    fn on_idle(&mut self, out: &mut Vec<Command>) {
        if self.ear.is_active() || self.mouth.is_some() || self.thought.is_some() {
            return self.arm_idle();
        }
        let by = if self.ear.ever_spoke { DisconnectedBy::Timeout } else { DisconnectedBy::Rnr };
        let Some(re_engagement) = self.rules.re_engagement.clone() else {
            self.report.event(self.now, "silence_limit", "no speech for the longest allowed silence", out);
            self.phase = Phase::Ending(by);
            return self.hang_up_now(out);
        };
        self.report.event(
            self.now,
            "caller_silent",
            format!("{} s without speech", re_engagement.after_secs),
            out,
        );
        match re_engagement.prompts.get(self.prompts_used) {
            Some(prompt) => {
                self.prompts_used += 1;
                self.say_phrase(prompt.clone(), Kind::Prompt, out);
            }
            None => self.say_goodbye(re_engagement.goodbye, by, out),
        }
    }

    fn arm_idle(&mut self) {
        let after = self
            .rules
            .re_engagement
            .as_ref()
            .map_or(SILENCE_LIMIT, |r| Duration::from_secs_f32(r.after_secs.max(1.0)));
        self.timers.set(Timer::Idle, self.now + after);
    }

    /// Say the last words and hang up when they were heard.
    fn say_goodbye(&mut self, text: String, by: DisconnectedBy, out: &mut Vec<Command>) {
        self.cancel_thought(out);
        self.stop_mouth(out);
        self.phase = Phase::Ending(by);
        self.held = None;
        self.pending = None;
        self.quiet_ear_timers();
        self.timers.set(Timer::Goodbye, self.now + GOODBYE_LIMIT);
        if text.is_empty() { self.hang_up_now(out) } else { self.say_phrase(text, Kind::Goodbye, out) }
    }

    fn quiet_ear_timers(&mut self) {
        for timer in [
            Timer::EndOfTurn,
            Timer::Transcript,
            Timer::Idle,
            Timer::Resume,
            Timer::SttSilent,
            Timer::SttReady,
            Timer::SttRetry,
            Timer::Dtmf,
        ] {
            self.timers.clear(timer);
        }
    }

    fn hang_up_now(&mut self, out: &mut Vec<Command>) {
        let by = match self.phase {
            Phase::Ending(by) => by,
            _ => DisconnectedBy::Bot,
        };
        out.push(Command::HangUp { by });
        self.finish(by, out);
    }

    fn fail_line(&mut self, why: String, out: &mut Vec<Command>) {
        self.error = Some(why.clone());
        self.report.event(self.now, "line_failed", why, out);
        out.push(Command::HangUp { by: DisconnectedBy::Error });
        self.finish(DisconnectedBy::Error, out);
    }

    fn on_dtmf(&mut self, digit: char, out: &mut Vec<Command>) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') || self.phase != Phase::Live {
            return;
        }
        self.ear.ever_spoke = true;
        self.report.event(self.now, "dtmf", "a key was pressed", out);
        if digit == '#' && self.digits.is_empty() {
            // The end of an entry that never began.
            return;
        }
        self.timers.clear(Timer::Idle);
        if self.rules.turn.interruptible && (self.mouth.is_some() || self.thought.is_some()) {
            self.interrupt("a key was pressed", out);
            self.held = None;
        }
        if digit != '#' {
            self.digits.push(digit);
        }
        if digit == '#' || self.digits.len() >= rules::MAX_DIGITS {
            self.flush_digits(out);
        } else {
            self.timers.set(Timer::Dtmf, self.now + rules::INTER_DIGIT);
        }
    }

    fn flush_digits(&mut self, out: &mut Vec<Command>) {
        self.timers.clear(Timer::Dtmf);
        let digits = std::mem::take(&mut self.digits);
        if digits.is_empty() {
            return self.arm_idle();
        }
        let text = format!("[keypad: {digits}]");
        self.turn += 1;
        self.clock = TurnClock { closed: Some(self.now), ..TurnClock::default() };
        let at = ms(self.now);
        let entry = TranscriptEntry {
            turn: self.turn,
            speaker: Speaker::Caller,
            text: text.clone(),
            confidence: None,
            started_ms: at,
            ended_ms: at,
            interrupted: false,
            words: Vec::new(),
        };
        self.report.line(entry, out);
        self.answer(&text, out);
    }

    /// The conversation is over: leave the record, once.
    fn finish(&mut self, by: DisconnectedBy, out: &mut Vec<Command>) {
        if self.phase == Phase::Over {
            return;
        }
        self.cancel_thought(out);
        self.stop_mouth(out);
        self.flush_ear(out);
        let by = match self.phase {
            // The caller hung up while the bot said goodbye: the bot had ended the call.
            Phase::Ending(ended_by) if by == DisconnectedBy::Customer => ended_by,
            _ => by,
        };
        self.report.event(self.now, "ended", by.as_str(), out);
        self.phase = Phase::Over;
        self.timers.clear_all();
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
            error: self.error.take(),
        })));
    }
}
