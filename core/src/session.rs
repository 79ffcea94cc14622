//! The conversation as a pure state machine: `on(now, event)` gives commands. It does no I/O, spawns nothing, never
//! awaits and reads no clock, so a whole call runs in virtual time, any order of events can be tried, and a call whose events
//! were kept can be played again.
//!
//! Three parts own their state and their deadlines: [`listening`], [`thinking`] and [`speaking`]. What is to be said and
//! answered stands in one [`plan`]; where the call stands in [`phase`]. The files `hear`, `think`, `speak`, `end`, `order` and
//! `agent`, `supervision` say what one part's news mean for the others.
//!
//! `now` counts from the moment the line's media began; it is the recording's clock.

mod agent;
pub mod answering;
pub mod books;
mod builtin;
pub mod callbacks;
mod common_answers;
mod consult;
mod consulting;
pub mod context;
mod end;
pub mod event;
pub mod farewell;
mod guarding;
pub mod guardrails;
mod handing;
mod hear;
mod interrupt;
mod keying;
mod keypad;
pub mod kind;
pub mod ladder;
pub mod languages;
mod last_steps;
pub mod listening;
mod listing;
pub mod machine;
pub mod next_bot;
mod order;
pub mod party;
pub mod past;
pub mod phase;
pub mod plan;
mod recap;
pub mod report;
pub mod rules;
mod seconds;
pub mod sources;
mod speak;
pub mod speaking;
pub mod spelled;
pub mod spending;
pub mod standing;
pub mod successor;
mod supervision;
pub mod text;
mod think;
pub mod thinking;
pub mod timer;
pub mod tongue;
mod tools;
mod transferring;
mod typed;
pub mod utterance;
pub mod verdict;
pub mod voicing;
pub mod words;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use answering::Answerer;
use consult::Consult;
use context::Context;
use event::{Command, Event, ModelEvent};
use guardrails::Guardrails;
use handing::Handing;
use keying::Keying;
use kind::EventKind;
use ladder::Ladders;
use languages::Switching;
use last_steps::LastSteps;
use listening::{ListenTimer, Listening};
use machine::Machine;
use party::Party;
use past::Tallied;
use phase::{Course, Phase, PhaseTimer};
use plan::Plan;
use recap::Recap;
use report::{Report, TurnClock};
use rules::Rules;
use speaking::{SpeakTimer, Speaking, Voice};
use spending::Spending;
use successor::Successor;
use supervision::Supervision;
use thinking::{Seconds, ThinkTimer, Thinking, ToolGuard};
use typed::Pace;
use utterance::{Kind, Utterance};
use vox_shared::wire::result::{Callback, DisconnectedBy};
use vox_shared::wire::seat::Steered;

use crate::provider::llm::ToolSpec;
use crate::provider::tts::UtteranceId;

/// The longest that a caller hears nothing when it is the bot's turn: the hold tone needs no vendor.
const DEAD_AIR: Duration = Duration::from_secs(3);

/// A deadline of any part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Call(PhaseTimer),
    Listen(Party, ListenTimer),
    Think(ThinkTimer),
    Speak(SpeakTimer),
    /// The next key that the bot presses.
    Press,
}

/// One conversation.
#[derive(Debug)]
pub struct Session {
    rules: Rules,
    now: Duration,
    course: Course,
    listening: Listening,
    /// Hears the human agent, while one is in the call.
    agent_ear: Listening,
    /// Hears whoever instructs the bot, while somebody does.
    bots_ear: Listening,
    bots_ear_is_open: bool,
    supervision: Supervision,
    thinking: Thinking,
    speaking: Speaking,
    plan: Plan,
    ladders: Ladders,
    seconds: Seconds,
    last_steps: LastSteps,
    context: Context,
    recap: Recap,
    report: Report,
    spending: Spending,
    guard: ToolGuard,
    guardrails: Guardrails,
    /// Tools of the bot's servers, by their places, and how many of the rules' they are.
    sources: BTreeMap<usize, Vec<ToolSpec>>,
    from_sources: usize,
    /// Rows of keys that are being pressed, in their order.
    keying: VecDeque<Keying>,
    /// When the caller wishes to be called back.
    callback: Option<Callback>,
    /// Of tools' arguments and answers in the record.
    shown_bytes: usize,
    /// A tool has answered that no reply waited for, and the model was not asked since.
    untold: bool,
    clock: TurnClock,
    /// What an interruption cut off: its echo may still come.
    cut: Option<Utterance>,
    /// What was said last, to its end: the same.
    said: Option<Utterance>,
    /// What the caller said last, as the model was told.
    asked: String,
    keys: String,
    /// When the first of them was pressed.
    keyed_since: Duration,
    typing: Pace,
    turn: u32,
    prompts_used: usize,
    /// Since when nobody has said anything: sound without words does not change it.
    idle_since: Option<Duration>,
    transfer: Option<event::Transfer>,
    /// The caller is to be handed over when what is to be said before was heard.
    handing: Option<Handing>,
    /// The bot that is to go on with the caller.
    successor: Option<Successor>,
    /// Another language waits for the end of what is being said.
    switching: Option<Switching>,
    /// From bot to bot, so far; and the turn in which the newest one took over.
    hand_overs: u32,
    bot_since: u32,
    /// Somebody is asked to take the call, or has it.
    consult: Option<Consult>,
    machine: Machine,
    answerer: Answerer,
    error: Option<String>,
    /// It goes on in another worker, for the so many-th time, and has not begun here.
    again: Option<u32>,
    /// What the operator told the model.
    steered: Vec<Steered>,
    tallied: Tallied,
}

impl Session {
    /// A conversation by these rules; nothing happens before [`Event::Answered`].
    pub fn new(rules: Rules) -> Self {
        let guardrails = Guardrails::new(&rules.guardrails, &rules.language);
        let guard = ToolGuard::new(rules.limits.max_tool_calls);
        let spending = Spending::new(rules.limits.clone(), rules.rates.clone());
        let context = Context::new(rules.system_prompt.clone(), rules.tools.clone(), rules.cache_key.clone());
        Self {
            listening: agent::ear(&rules),
            agent_ear: agent::ear(&rules),
            bots_ear: agent::ear(&rules),
            bots_ear_is_open: false,
            supervision: Supervision::default(),
            thinking: Thinking::new(&rules.language, rules.tools.iter().map(|t| t.name.clone()).collect()),
            speaking: Speaking::new(if rules.model_speaks() { Voice::Model } else { Voice::Own })
                .with_wording(rules.wording.clone()),
            rules,
            now: Duration::ZERO,
            course: Course::default(),
            plan: Plan::default(),
            ladders: Ladders::default(),
            seconds: Seconds::default(),
            last_steps: LastSteps::default(),
            context,
            recap: Recap::default(),
            report: Report::default(),
            guard,
            guardrails,
            sources: BTreeMap::new(),
            from_sources: 0,
            keying: VecDeque::new(),
            callback: None,
            shown_bytes: 0,
            untold: false,
            spending,
            clock: TurnClock::default(),
            cut: None,
            said: None,
            asked: String::new(),
            keys: String::new(),
            keyed_since: Duration::ZERO,
            typing: Pace::default(),
            turn: 0,
            prompts_used: 0,
            idle_since: None,
            transfer: None,
            handing: None,
            successor: None,
            switching: None,
            hand_overs: 0,
            bot_since: 0,
            consult: None,
            machine: Machine::default(),
            answerer: Answerer::default(),
            error: None,
            again: None,
            steered: Vec::new(),
            tallied: Tallied::default(),
        }
    }

    /// Take an event; append what is to be done. Time never runs backwards: an earlier `now` counts as the last one.
    pub fn on(&mut self, now: Duration, event: Event, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        match (self.course.phase(), event) {
            (Phase::Over, _) => return,
            (_, Event::Standing(standing)) => self.on_standing(*standing),
            (Phase::Waiting, Event::Answered) => self.begin(out),
            (_, Event::HungUp { by }) => self.hung_up(by, out),
            (_, Event::LineFailed { why }) => self.fail_line(why, out),
            (Phase::Waiting, _) | (_, Event::Answered) => {}
            (_, Event::Window(window)) => self.on_window(Party::Caller, &window, out),
            (_, Event::Stt(event)) => self.on_stt(Party::Caller, event, out),
            (_, Event::Agent(event)) => self.on_agent(event, out),
            (_, Event::Supervisor(event)) => self.on_supervisor(event, out),
            (_, Event::Seated { id, refused }) => self.on_seated(id, refused, out),
            (_, Event::Model(ModelEvent::Speaks { request })) => self.model_speaks(request, out),
            (_, Event::Model(ModelEvent::Heard { span, text })) => self.model_heard(span, &text, out),
            (_, Event::TurnJudged { id, probability }) => self.listening.judged(id, probability, self.now),
            (_, Event::Llm { request, event }) => self.on_llm(request, event, out),
            (_, Event::ToolDone { run, answer }) => self.on_tool_done(run, answer, out),
            (_, Event::Source(source)) => self.on_source(source, out),
            (_, Event::KeyFailed { why }) => self.keys_failed(&why, out),
            (_, Event::Voice(event)) => self.on_voice(event, out),
            (_, Event::Played { utterance, played_ms, audible }) => {
                self.on_played(utterance, played_ms, audible, out)
            }
            (_, Event::Metered { usage }) => self.spending.metered(usage),
            (_, Event::Order { id, order }) => self.on_order(id, order, out),
            (_, Event::Transferred) => self.transferred(out),
            (_, Event::TransferFailed { why }) => self.transfer_failed(&why, out),
            (_, Event::TransferUnclear { why }) => self.transfer_unclear(&why, out),
            (_, Event::Consult(event)) => self.on_consult(event, out),
            (_, Event::Bot(event)) => self.on_bot(event),
            (_, Event::Beep { ago }) => self.on_beep(ago, out),
            (_, Event::Answering(event)) => self.on_answering(event, out),
            (_, Event::Dtmf(key)) => self.on_key(key, out),
            (_, Event::Typed(text)) => self.on_typed(text, out),
            (_, Event::Drain) => {
                self.report.event(self.now, EventKind::Draining, "the process is asked to stop", out)
            }
            (_, Event::Tick) => {}
        }
        self.go_on(out);
        while let Some(timer) = self.pop_due() {
            self.on_timer(timer, out);
            self.go_on(out);
        }
        let owes = self.owes_sound();
        self.speaking.guard_silence(owes, self.now, DEAD_AIR);
    }

    /// When [`Event::Tick`] is due. `None` before the answer and after the end.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.earliest().map(|(at, _)| at)
    }

    /// Whether nothing follows any more.
    pub fn is_over(&self) -> bool {
        self.course.phase() == Phase::Over
    }

    /// Whether it is the bot's turn to be heard: it speaks, thinks, or is deciding whether the caller is done.
    pub fn owes_sound(&self) -> bool {
        match self.course.phase() {
            Phase::Waiting
            | Phase::Held
            | Phase::Transferring
            | Phase::Accompanied
            | Phase::Consulting
            | Phase::HandedOver
            | Phase::Screening
            | Phase::Machine
            | Phase::Over => false,
            Phase::Ending(_) => true,
            // The line hears keys.
            Phase::Live if !self.keying.is_empty() => false,
            Phase::Live => {
                !self.listening.is_speaking()
                    && (self.speaking.is_busy()
                        || self.thinking.is_busy()
                        || self.owes_bot()
                        || self.plan.is_paused()
                        || self.plan.owes_answer()
                        || !self.plan.is_silent()
                        || self.listening.is_deciding())
            }
        }
    }

    /// The earliest deadline that goes on with the conversation: the longest duration of the call does not count, nor
    /// does the hold tone.
    pub fn silence_deadline(&self) -> Option<Duration> {
        let call = self
            .course
            .timers()
            .next_of(|t| !matches!(t, PhaseTimer::MaxDuration | PhaseTimer::DurationWarning));
        let listen =
            self.listening.timers().next_of(|t| !matches!(t, ListenTimer::SttReady | ListenTimer::SttRetry));
        let think = self.thinking.timers().next_of(|_| true);
        let speak = self.speaking.timers().next_of(|t| t != SpeakTimer::DeadAir);
        [call, listen, think, speak, self.press_due()].into_iter().flatten().min()
    }

    /// What the detector makes of the line now.
    pub fn hears_speech(&self) -> bool {
        self.listening.hears_speech()
    }

    /// Whether the session is to be told what recognisers and voices were used for.
    pub fn is_metered(&self) -> bool {
        self.spending.is_metered()
    }

    /// Whether audio of this utterance is still wanted.
    pub fn is_saying(&self, utterance: UtteranceId) -> bool {
        self.speaking.wants(utterance)
    }

    /// The conversation as the model would see it now.
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn begin(&mut self, out: &mut Vec<Command>) {
        if let Some(times) = self.again.take() {
            return self.begin_again(times, out);
        }
        self.course.begin(self.now, self.rules.max_duration);
        self.report.event(self.now, EventKind::Answered, "media flows", out);
        self.open_first_voice(out);
        if self.rules.answering.is_some() {
            self.wait_for_verdict();
        } else {
            let opening = self.rules.opening_message.clone();
            self.say_phrase(&opening, Kind::Greeting, out);
        }
        self.open_stt(Party::Caller, out);
    }

    fn earliest(&self) -> Option<(Duration, Timer)> {
        let call = self.course.timers().next().map(|(at, t)| (at, Timer::Call(t)));
        let of = |who: Party, ear: &Listening| ear.timers().next().map(|(at, t)| (at, Timer::Listen(who, t)));
        let caller = of(Party::Caller, &self.listening);
        let agent = of(Party::Agent, &self.agent_ear);
        let supervisor = of(Party::Supervisor, &self.bots_ear);
        let think = self.thinking.timers().next().map(|(at, t)| (at, Timer::Think(t)));
        let speak = self.speaking.timers().next().map(|(at, t)| (at, Timer::Speak(t)));
        let press = self.press_due().map(|at| (at, Timer::Press));
        [call, caller, agent, supervisor, think, speak, press].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Take the earliest deadline that has passed.
    fn pop_due(&mut self) -> Option<Timer> {
        let (_, timer) = self.earliest().filter(|(at, _)| *at <= self.now)?;
        match timer {
            Timer::Call(timer) => self.course.clear(timer),
            Timer::Listen(Party::Caller, timer) => self.listening.clear(timer),
            Timer::Listen(Party::Agent, timer) => self.agent_ear.clear(timer),
            Timer::Listen(Party::Supervisor, timer) => self.bots_ear.clear(timer),
            Timer::Think(timer) => self.thinking.clear(timer),
            Timer::Speak(timer) => self.speaking.clear(timer),
            // It is done with what it is for.
            Timer::Press => {}
        }
        Some(timer)
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Vec<Command>) {
        match timer {
            Timer::Call(timer) => self.on_call_timer(timer, out),
            Timer::Listen(who, timer) => self.on_listen_timer(who, timer, out),
            Timer::Think(timer) => self.on_think_timer(timer, out),
            Timer::Speak(timer) => self.on_speak_timer(timer, out),
            Timer::Press => self.press_next(out),
        }
    }

    /// Go on with the conversation as far as it can go by itself: the one place where a line follows a line, an answer follows
    /// the bot's line, the last word becomes the last, the line is closed after it, and the idle clock runs.
    fn go_on(&mut self, out: &mut Vec<Command>) {
        if matches!(self.course.phase(), Phase::Waiting | Phase::Over) {
            return;
        }
        if self.course.is_live() && self.supervision.is_led() {
            // Who came while the caller waited or was talked about leads from now on.
            self.agent_joined(out);
        }
        while let Some((utterance, line)) = self.speaking.finished() {
            self.note_said(&utterance, line, false, out);
            self.said = Some(utterance);
            self.pump(out);
        }
        if self.plan.may_end() && self.course.is_live() && !self.listening.is_active() && self.keys.is_empty()
        {
            self.become_goodbye(DisconnectedBy::Bot);
        }
        self.pump(out);
        self.keep_to_limits(out);
        let silent = !self.speaking.is_busy() && self.plan.is_silent();
        if self.course.is_ending() {
            if silent && !self.thinking.is_busy() {
                self.hang_up_now(out);
            }
            return;
        }
        if self.course.is_consulting() {
            self.go_on_consult(silent, out);
        }
        if silent && self.course.is_live() {
            self.switch_if_due(out);
        }
        let waits = silent
            && self.course.is_live()
            && !self.thinking.is_busy()
            && !self.plan.is_paused()
            && self.keys.is_empty();
        if !waits || !self.listening.text().is_empty() {
            self.idle_since = None;
        }
        if !waits || self.listening.is_active() {
            return self.course.not_idle();
        }
        if let Some(handing) = self.handing.take() {
            self.course.not_idle();
            return self.begin_handing(handing, out);
        }
        if let Some(longest) = self.rules.longest_silence() {
            self.course.silent_from(self.now, longest);
        }
        match self.plan.take_unanswered() {
            Some(text) => {
                self.turn += 1;
                self.course.not_idle();
                self.answer(&text, out);
            }
            // The caller was told that it takes a moment, and waits.
            None if self.untold => {
                self.course.not_idle();
                self.clock = TurnClock::default();
                self.context.note("A tool has answered meanwhile. Tell the caller what came of it.");
                self.think_anew(out);
            }
            None => {
                let since = *self.idle_since.get_or_insert(self.now);
                self.course.idle_after(since, self.rules.idle_after());
            }
        }
    }
}
