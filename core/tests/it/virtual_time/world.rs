//! A call in virtual time: caller, line and vendors around one session.

mod agent;
mod bad_day;
mod caller;
mod carrying;
mod cast;
mod consult;
mod hostile;
mod judge;
mod model;
mod operator;
mod queue;
mod recogniser;
mod successor;
mod tools;
mod uploaded_ear;
mod voice;
mod wired;
mod wired_ear;
mod wired_model;
mod wired_voice;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use vox_core::provider::llm::LlmEvent;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::{TtsEvent, UtteranceId, WordMark};
use vox_core::session::Session;
use vox_core::session::event::{ConsultEvent, Event, Outcome, RequestId, Span, VoiceEvent, Window};
use vox_core::session::rules::{Ladder, Rules};
use vox_shared::catalogue::Rhythm;
use vox_shared::model::bot::{HttpTool, OnInterrupt, ReEngagement, Tool};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::DisconnectedBy;

use super::random::Random;
use super::vendors::{SttMood, VoiceMood};
use super::wire::frame::Frame;
use super::wire::{self, Step, Wires};
use agent::Agent;
use bad_day::BadDay;
pub use cast::{Cast, Verdict};
use consult::Consult;
use hostile::Watch;
use model::OwnVoice;
use queue::Scheduled;
use successor::Successors;
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
pub enum Happening {
    Session(Event),
    Stt {
        stream: u64,
        event: SttEvent,
    },
    Voice {
        stream: u64,
        event: VoiceEvent,
        words: Vec<WordMark>,
        ms: u32,
    },
    Playout,
    Window,
    CallerActs,
    CallerStops,
    OperatorActs,
    ConsultActs,
    Consult {
        number: u64,
        event: ConsultEvent,
    },
    AgentActs,
    AgentStops,
    AgentStt {
        stream: u64,
        event: SttEvent,
    },
    ModelSound {
        request: RequestId,
        text: Option<String>,
    },
    ModelGives {
        request: RequestId,
    },
    ModelHeard {
        span: Span,
        text: String,
    },
    /// Over the vendors' own protocols: messages, what codecs made of them, and what happens at a server.
    EarFrame {
        stream: u64,
        frame: Frame,
    },
    EarSays {
        stream: u64,
        event: SttEvent,
    },
    EarEnds {
        stream: u64,
    },
    AnswerMeans {
        request: RequestId,
        meaning: LlmEvent,
    },
    MouthStep {
        stream: u64,
        connection: u64,
        key: String,
        step: Step,
    },
    MouthSays {
        stream: u64,
        event: TtsEvent,
    },
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
    stt_rhythm: Rhythm,
    /// When a recogniser that tells of all sound says something again.
    stt_tells_at: u64,
    /// No recogniser of the call was at fault, nor might seem to be.
    stt_is_good: bool,
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
    watch: Watch,
    successors: Successors,
    bad_day: Option<BadDay>,
    /// The vendors are heard over their codecs.
    wires: Option<Wires>,
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
    config.stt.provider = (*random.pick(&["deepgram", "assemblyai", "sarvam"])).into();
    if random.chance(30) {
        config.stt.fallbacks = vec![config.stt.clone()];
        config.llm.fallbacks = vec![config.llm.clone()];
        config.tts.fallbacks = vec![config.tts.clone()];
    }
    config
}

impl World {
    pub fn new(seed: u64, mut cast: Cast) -> Self {
        let mut random = Random::new(seed);
        let mut config = config(&mut random);
        if cast.bad_day {
            bad_day::prepare(&mut config, &mut random);
            hostile::prepare(&mut config, &mut random);
            // On some of them somebody is asked to take the call as well, or an agent comes.
            cast.consults = random.chance(15);
            cast.agent = !cast.consults && random.chance(10);
        }
        if cast.wires {
            let ears: &[&str] = if cast.uploads { &wire::UPLOADED } else { &wire::EARS };
            wire::draw(&mut config, ears, &mut random);
        }
        let successors = Successors::of(&mut config, cast.bots);
        let bad_day = cast.bad_day.then(|| BadDay::of(&config, &mut random));
        let mut rules = Rules::from_config(&config, Duration::ZERO);
        if cast.bad_day {
            rules.transfers = Some("websocket_reverse_transfer");
            rules.presses_keys = random.chance(70);
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
            stt_rhythm: Rhythm::of(&config.stt.provider, &config.stt.extra),
            stt_tells_at: 0,
            stt_is_good: true,
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
            watch: Watch::of(&config),
            successors,
            bad_day,
            wires: cast.wires.then(|| Wires::of(&config, cast.uploads)),
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
        if cast.bad_day {
            let (first, source) = (world.random.range(0, 6_000), hostile::source(&mut world.random));
            world.at(first, Happening::Session(Event::Source(source)));
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
            let wired = self.wire_due().filter(|due| *due <= next && deadline.is_none_or(|d| *due < d));
            match deadline.filter(|d| *d <= next) {
                _ if wired.is_some() => {
                    self.now = wired.map_or(self.now, |due| self.now.max(due));
                    self.wake_wires();
                }
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
            Happening::Stt { stream, event } if stream == self.stt_stream => match self.wires {
                Some(_) => self.ear_means(&event),
                None => self.feed(Event::Stt(event)),
            },
            Happening::EarSays { stream, event } if stream == self.stt_stream => self.feed(Event::Stt(event)),
            Happening::Stt { .. } | Happening::EarSays { .. } => {}
            Happening::Voice { stream, event, .. } if self.wires.is_some() && stream != u64::MAX => {
                self.mouth_means(stream, &event);
            }
            Happening::Voice { stream, event, words, ms } => self.voice(stream, event, words, ms),
            Happening::EarFrame { stream, frame } => self.ear_frame(stream, frame),
            Happening::EarEnds { stream } => self.ear_ends(stream),
            Happening::AnswerMeans { request, meaning } => self.answer_means(request, &meaning),
            Happening::MouthStep { stream, connection, key, step } => {
                self.mouth_step(stream, connection, (&key, step));
            }
            Happening::MouthSays { stream, event } => self.mouth_says(stream, event),
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
        let sounding = self.bot_sounds() || self.now < self.tone_until;
        match (owes && !sounding && !self.speaking, self.silent_since) {
            (true, None) => self.silent_since = Some(self.now),
            (true, Some(since)) => self.longest_silence = self.longest_silence.max(self.now - since),
            (false, _) => self.silent_since = None,
        }
    }

    /// The bot is being heard.
    fn bot_sounds(&self) -> bool {
        self.ear.last().is_some_and(|(_, h)| !h.stopped && h.played_ms < h.audio_ms)
    }

    /// A goodbye is heard to its end first.
    fn hung_up(&mut self, by: DisconnectedBy) {
        self.hang_ups += 1;
        let is_cut = by == DisconnectedBy::Bot && self.bot_sounds();
        assert!(!is_cut, "seed {} at {}: the line is closed over the bot's words", self.seed, self.now);
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
        self.tell_of_sound();
        self.ear_hears();
        self.agent_window();
    }
}
