//! A call in virtual time: caller, line and vendors around one session.

mod agent;
mod bad_day;
mod caller;
mod consult;
mod judge;
mod model;
mod operator;
mod tools;
mod voice;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use vox_core::media::tone::LENGTH;
use vox_core::provider::llm::LlmEvent;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::{UtteranceId, WordMark};
use vox_core::session::Session;
use vox_core::session::event::{Command, ConsultEvent, Event, Outcome, RequestId, Span, VoiceEvent, Window};
use vox_core::session::rules::{Ladder, Rules};
use vox_shared::model::bot::{HttpTool, OnInterrupt, ReEngagement, Tool};
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;

use super::random::Random;
use super::vendors::{SttMood, VoiceMood, failure, stt_mood};
use agent::Agent;
use bad_day::{BadDay, Mood};
use consult::Consult;
use model::OwnVoice;
use tools::Toolbox;

const MS_PER_CHAR: u32 = 60;
const MAX_CALL_MS: u64 = 60_000;
/// Far more than the events of the longest call.
const MAX_STEPS: u64 = 100_000;
/// A word counts as heard when at most this much of its end is missing: the session's own tolerance.
const WORD_TAIL_MS: u32 = 60;
const SAYINGS: [&str; 10] = [
    "yes please",
    "no",
    "what are your opening hours",
    "mm-hmm",
    "stop",
    "my number is",
    "could you repeat that for me",
    "I would like to move my appointment to Monday",
    "okay",
    "wait a second I have another question",
];

#[derive(Debug)]
enum Happening {
    Session(Event),
    Stt { stream: u64, event: SttEvent },
    Voice { stream: u64, event: VoiceEvent, words: Vec<WordMark>, ms: u32 },
    Playout,
    Window,
    CallerActs,
    CallerStops,
    OperatorActs,
    ConsultActs,
    Consult { number: u64, event: ConsultEvent },
    AgentActs,
    AgentStops,
    AgentStt { stream: u64, event: SttEvent },
    ModelSound { request: RequestId, text: Option<String> },
    ModelGives { request: RequestId },
    ModelHeard { span: Span, text: String },
}

/// Who takes part beside the caller and a bot with recogniser, model and voice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cast {
    /// A human agent comes and goes.
    pub agent: bool,
    /// The model hears by itself: no recogniser.
    pub hears: bool,
    /// The model speaks by itself: no voice.
    pub speaks: bool,
    /// Somebody is asked to take the call, again and again.
    pub consults: bool,
    /// The vendors fail.
    pub bad_day: bool,
}

#[derive(Debug)]
struct Scheduled(u64, u64, Happening);

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// What the caller's ear got of one utterance.
#[derive(Debug, Default)]
struct Heard {
    audio_ms: u32,
    played_ms: u32,
    words: Vec<WordMark>,
    complete: bool,
    stopped: bool,
}

/// What a conversation showed.
#[derive(Debug, Default)]
pub struct Verdict {
    pub replies: usize,
    pub interruptions: usize,
    pub faults: usize,
    pub ended_by_bot: bool,
    pub longest_silence_ms: u64,
    /// Runs of tools.
    pub ran: usize,
    /// Agents who came and people who took the call, callers who came back off hold, and turns that a model wrote down itself.
    pub joined: usize,
    pub came_back: usize,
    pub written: usize,
    /// Of a bad day: vendors that failed and fallbacks that did not, and what became of that.
    pub failed: usize,
    pub fell_back: usize,
    pub second_requests: usize,
    pub common_answers: usize,
    pub handed_on: usize,
}

pub struct World {
    random: Random,
    seed: u64,
    session: Session,
    now: u64,
    steps: u64,
    order: u64,
    /// Orders from outside so far.
    orders: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    stt_stream: u64,
    stt_mood: SttMood,
    voice_stream: u64,
    voice_mood: VoiceMood,
    voice_pieces: u64,
    /// Time at which each utterance's audio so far is complete.
    voice_free_at: u64,
    speech_ms: HashMap<UtteranceId, u32>,
    ear: Vec<(UtteranceId, Heard)>,
    speaking: bool,
    saying: Option<(&'static str, u64)>,
    unfinalised: VecDeque<&'static str>,
    patience: u64,
    llm: HashMap<RequestId, bool>,
    outcome: Option<Box<Outcome>>,
    faults: usize,
    tone_until: u64,
    silent_since: Option<u64>,
    longest_silence: u64,
    agent: Agent,
    consult: Consult,
    own_voice: OwnVoice,
    toolbox: Toolbox,
    bad_day: Option<BadDay>,
    hang_ups: usize,
    /// Keys that were pressed: each is in a line.
    keys: String,
}

fn config(random: &mut Random) -> RuntimeConfig {
    let text = r#"{"session_id":"call_x","webhook_url":"","system_prompt":"Be kind.","opening_message":""}"#;
    let mut config: RuntimeConfig = serde_json::from_str(text).unwrap();
    if random.chance(90) {
        config.opening_message = "Hello, this is Maya. How can I help you today?".into();
    }
    config.max_call_duration_seconds = (MAX_CALL_MS / 1000) as u32;
    config.tools = ["end_call", "look_up"].map(Tool::built_in).to_vec();
    // Its runs are given up when the caller goes on, or answer late; what answers all the same is nobody's.
    let on_interrupt = if random.chance(50) { OnInterrupt::Cancel } else { OnInterrupt::Finish };
    config.tools[1].parameters = serde_json::json!({"type": "object"});
    config.tools[1].http = Some(HttpTool { on_interrupt, ..HttpTool::default() });
    config.re_engagement =
        random.chance(90).then(|| ReEngagement { after_secs: 6.0, ..ReEngagement::default() });
    config.turn.interruptible = random.chance(95);
    if random.chance(30) {
        config.stt.fallbacks = vec![config.stt.clone()];
        config.llm.fallbacks = vec![config.llm.clone()];
        config.tts.fallbacks = vec![config.tts.clone()];
    }
    config
}

impl World {
    pub fn new(seed: u64, cast: Cast) -> Self {
        let mut random = Random::new(seed);
        let mut config = config(&mut random);
        if cast.bad_day {
            bad_day::prepare(&mut config, &mut random);
        }
        let bad_day = cast.bad_day.then(|| BadDay::of(&config, &mut random));
        let mut rules = Rules::from_config(&config, Duration::ZERO);
        if cast.bad_day {
            rules.transfers = Some("websocket_reverse_transfer");
        }
        if cast.hears {
            rules.stt = Ladder::default();
        }
        if cast.speaks {
            rules.tts = Ladder::default();
        }
        rules.consults = cast.consults;
        let patience = random.range(2, 8);
        let mut world = Self {
            random,
            seed,
            session: Session::new(rules),
            now: 0,
            steps: 0,
            order: 0,
            orders: 0,
            queue: BinaryHeap::new(),
            stt_stream: 0,
            stt_mood: if cast.hears { SttMood::NeverReady } else { SttMood::Good },
            voice_stream: 0,
            voice_mood: VoiceMood::Good,
            voice_pieces: 0,
            voice_free_at: 0,
            speech_ms: HashMap::new(),
            ear: Vec::new(),
            speaking: false,
            saying: None,
            unfinalised: VecDeque::new(),
            patience,
            llm: HashMap::new(),
            outcome: None,
            faults: 0,
            tone_until: 0,
            silent_since: None,
            longest_silence: 0,
            agent: Agent::default(),
            consult: Consult::default(),
            own_voice: OwnVoice::of(cast.speaks),
            toolbox: Toolbox::default(),
            bad_day,
            hang_ups: 0,
            keys: String::new(),
        };
        world.tell_standing();
        world.at(0, Happening::Session(Event::Answered));
        world.at(20, Happening::Playout);
        world.at(32, Happening::Window);
        let first = world.random.range(300, 6_000);
        world.at(first, Happening::CallerActs);
        if world.random.chance(30) {
            let first = world.random.range(0, 20_000);
            world.at(first, Happening::OperatorActs);
        }
        if cast.agent {
            let first = world.random.range(0, 20_000);
            world.at(first, Happening::AgentActs);
        }
        if cast.consults {
            let first = world.random.range(500, 20_000);
            world.at(first, Happening::ConsultActs);
        }
        world
    }

    fn at(&mut self, when: u64, what: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Scheduled(when.max(self.now), self.order, what)));
    }

    pub fn run(mut self) -> Verdict {
        while self.outcome.is_none() {
            let next = self.queue.peek().map(|Reverse(s)| s.0).expect("the line never ends by itself");
            let deadline = self.session.next_deadline().map(|d| d.as_nanos().div_ceil(1_000_000) as u64);
            match deadline.filter(|d| *d <= next) {
                Some(deadline) => {
                    self.now = self.now.max(deadline);
                    self.feed(Event::Tick);
                }
                None => {
                    let Some(Reverse(Scheduled(when, _, what))) = self.queue.pop() else {
                        unreachable!("peeked")
                    };
                    self.now = when;
                    self.happen(what);
                }
            }
            self.steps += 1;
            assert!(
                self.steps < MAX_STEPS,
                "seed {} at {}: time stands still: {:?}",
                self.seed,
                self.now,
                self.session
            );
            // A consultation at the end of a call, and a talk after it, take their time.
            let longest = MAX_CALL_MS + if self.consult.asks() { 240_000 } else { 60_000 };
            assert!(self.now < longest, "seed {}: the call does not end", self.seed);
        }
        self.judge()
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Session(event) => self.feed(event),
            Happening::Stt { stream, event } if stream == self.stt_stream => self.feed(Event::Stt(event)),
            Happening::Stt { .. } => {}
            Happening::Voice { stream, event, words, ms } => self.voice(stream, event, words, ms),
            Happening::Playout => self.playout(),
            Happening::Window => self.window(),
            Happening::CallerActs => self.caller_acts(),
            Happening::CallerStops => self.caller_stops(),
            Happening::OperatorActs => self.operator_acts(),
            Happening::ConsultActs => self.consult_acts(),
            Happening::Consult { number, event } => self.consult_event(number, event),
            Happening::AgentActs => self.agent_acts(),
            Happening::AgentStops => self.agent_stops(),
            Happening::AgentStt { stream, event } => self.agent_stt(stream, event),
            Happening::ModelSound { request, text } => self.model_sound(request, text),
            Happening::ModelGives { request } => self.give(request),
            Happening::ModelHeard { span, text } => self.model_heard(span, text),
        }
    }

    fn feed(&mut self, event: Event) {
        let mut commands = Vec::new();
        self.note_model(&event);
        self.session.on(Duration::from_millis(self.now), event, &mut commands);
        self.check_asked(&commands);
        for command in commands {
            assert!(self.outcome.is_none(), "seed {}: something follows the end: {command:?}", self.seed);
            self.check_silence(&command);
            self.check_consult(&command);
            self.carry_out(command);
        }
        self.check();
    }

    fn check(&mut self) {
        let owes = self.session.owes_sound();
        if owes {
            assert!(
                self.session.silence_deadline().is_some(),
                "seed {} at {}: the bot owes sound and no timer is armed: {:?}",
                self.seed,
                self.now,
                self.session
            );
        }
        if self.session.is_over() {
            assert_eq!(self.session.next_deadline(), None, "seed {}: a timer outlives the call", self.seed);
        }
        let speaking = self.ear.last().is_some_and(|(_, h)| !h.stopped && h.played_ms < h.audio_ms);
        let sounding = speaking || self.now < self.tone_until;
        match (owes && !sounding && !self.speaking, self.silent_since) {
            (true, None) => self.silent_since = Some(self.now),
            (true, Some(since)) => self.longest_silence = self.longest_silence.max(self.now - since),
            (false, _) => self.silent_since = None,
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { provider, .. } => self.open_stt(provider),
            Command::FinalizeStt => self.finalize(),
            Command::CloseStt => self.stt_stream += 1,
            Command::Ask { request, provider, heard, ask } => {
                let is_told = |span: &Span| ask.messages.iter().any(|m| m.text.contains(&span.as_text()));
                let is_known = |span: &Span| self.is_written(*span) || is_told(span);
                assert!(heard.iter().all(is_known), "seed {}: {heard:?} is not in {ask:?}", self.seed);
                let has_tools = !ask.tools.is_empty();
                self.ask((request, provider), &heard, has_tools);
            }
            Command::AskSecond { request, provider, ask } => {
                let has_tools = !ask.tools.is_empty();
                self.bad_day.iter_mut().for_each(|day| day.second_requests += 1);
                self.ask((request, provider), &[], has_tools);
            }
            Command::Vendor { service, place, did } => self.note_vendor(service, place, &did),
            Command::Transfer { .. } if self.bad_day.is_some() => self.hand_over(),
            Command::HangUp { .. } => self.hang_ups += 1,
            Command::Consult(order) => self.consult_order(&order),
            Command::Agent(command) => self.agent_command(&command),
            Command::Utter { request, utterance } => self.utter(request, utterance),
            Command::Recite { utterance, text, .. } => self.recite(utterance, &text),
            Command::RunTool { run, .. } => self.run_tool(run),
            Command::CancelTool { run } => self.toolbox.answered(run),
            Command::CancelAsk { request } => self.cancel_ask(request),
            Command::OpenVoice { provider } => self.open_voice(provider),
            Command::Say { utterance, text } => self.synthesise(utterance, &text),
            Command::EndSay { utterance } => self.end_voice(utterance),
            Command::Phrase { utterance, text } => {
                if self.random.chance(60) {
                    self.cached(utterance, &text);
                } else {
                    self.synthesise(utterance, &text);
                    self.end_voice(utterance);
                }
            }
            Command::StopSaying { utterance, .. } => {
                if let Some((_, heard)) = self.ear.iter_mut().find(|(id, _)| *id == utterance) {
                    heard.stopped = true;
                }
            }
            Command::HoldTone => self.tone_until = self.now + LENGTH.as_millis() as u64,
            Command::JournalEvent(event) => self.note_agent(&event.event),
            Command::Finish(outcome) => self.outcome = Some(outcome),
            Command::JournalTurn(_)
            | Command::JudgeTurn { .. }
            | Command::PressKey { .. }
            | Command::OrderTaken { .. }
            | Command::OrderRefused { .. }
            | Command::Transfer { .. }
            | Command::Supervisor(_)
            | Command::Supervise { .. }
            | Command::Notify(_) => {}
        }
    }

    /// A model that was given no tools calls none.
    fn ask(&mut self, (request, place): (RequestId, usize), heard: &[Span], has_tools: bool) {
        let ends = self.random.chance(15);
        let (mut events, faulty) = self.model_answers(place, ends);
        events.retain(|(_, event)| has_tools || !matches!(event, LlmEvent::ToolCall(_)));
        self.faults += usize::from(faulty);
        self.llm.insert(request, true);
        self.write_down(heard);
        if self.own_voice.speaks {
            self.sound_of(request, &events);
        }
        for (after, event) in events {
            self.at(self.now + after, Happening::Session(Event::Llm { request, event }));
        }
    }

    fn open_stt(&mut self, place: usize) {
        self.stt_stream += 1;
        let mood = self.mood(Service::Stt, place);
        self.stt_mood = match mood {
            Mood::Usual => stt_mood(&mut self.random),
            Mood::Mute => SttMood::Deaf,
            Mood::Slow => SttMood::Good,
            Mood::RefusesKey | Mood::Down | Mood::Busy(_) => SttMood::NeverReady,
        };
        if self.stt_refuses(mood) {
            self.faults += 1;
            return;
        }
        let stream = self.stt_stream;
        let slow = if mood == Mood::Slow { self.random.range(1_000, 6_000) } else { 0 };
        let ready = self.now + slow + self.random.range(10, 800);
        match self.stt_mood {
            SttMood::NeverReady => self.faults += 1,
            SttMood::Deaf => {
                self.faults += 1;
                self.at(ready, Happening::Stt { stream, event: SttEvent::Ready });
            }
            SttMood::Breaks(age) => {
                self.faults += 1;
                self.at(ready, Happening::Stt { stream, event: SttEvent::Ready });
                let event = SttEvent::Failed(failure("cut"));
                self.at(ready + age, Happening::Stt { stream, event });
            }
            SttMood::Good => self.at(ready, Happening::Stt { stream, event: SttEvent::Ready }),
        }
    }

    fn hears(&self) -> bool {
        matches!(self.stt_mood, SttMood::Good | SttMood::Breaks(_))
    }

    fn words(&mut self, text: &str, from_finalize: bool, after: u64) {
        let event = SttEvent::Final {
            text: text.to_owned(),
            confidence: Some(0.9),
            words: Vec::new(),
            from_finalize,
            utterance_end: !from_finalize && self.random.chance(50),
        };
        let stream = self.stt_stream;
        self.at(self.now + after, Happening::Stt { stream, event });
    }

    fn finalize(&mut self) {
        if !self.hears() || self.random.chance(5) {
            return;
        }
        let text: Vec<&str> = self.unfinalised.drain(..).collect();
        let after =
            if self.random.chance(5) { self.random.range(800, 2_500) } else { self.random.range(20, 500) };
        self.words(&text.join(" "), true, after);
    }

    fn playout(&mut self) {
        self.at(self.now + 20, Happening::Playout);
        let next = self.ear.iter_mut().find(|(_, h)| !h.stopped && h.played_ms < h.audio_ms);
        if let Some((utterance, heard)) = next {
            heard.played_ms = (heard.played_ms + 20).min(heard.audio_ms);
            let event = Event::Played { utterance: *utterance, played_ms: heard.played_ms, audible: true };
            self.feed(event);
        }
    }

    fn window(&mut self) {
        self.at(self.now + 32, Happening::Window);
        let (probability, level) = if self.speaking { (0.93, -22.0) } else { (0.03, -66.0) };
        let ends_at = Duration::from_millis(self.now);
        self.feed(Event::Window(Window { ends_at, probability, levels_db: [level; 4] }));
        self.agent_window();
    }
}
