//! A call in virtual time whose every event a test writes itself, but for what is the same in all: windows of 32 ms, a voice of
//! 60 ms a character, and a line that plays what it is given.

mod doing;
mod seen;

use std::collections::VecDeque;
use std::time::Duration;

use vox_core::provider::llm::{Finish, LlmEvent, LlmRequest, ToolCall};
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::{UtteranceId, WordMark};
use vox_core::session::Session;
use vox_core::session::event::{
    AgentCommand, AgentEvent, Command, ConsultOrder, Event, ModelEvent, Notice, Outcome, PauseId, RequestId,
    Span, SupervisorEvent, ToolRunId, VoiceEvent, Window,
};
use vox_core::session::rules::Rules;
use vox_core::session::standing::Did;
use vox_shared::model::bot::ReEngagement;
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Word};

const MS_PER_CHAR: u32 = 60;
/// Step of a scene: every event falls on one.
const STEP_MS: u64 = 4;

/// One utterance between voice and ear.
#[derive(Debug)]
struct Sound {
    id: UtteranceId,
    length_ms: u32,
    played_ms: u32,
}

pub struct Scene {
    session: Session,
    pub now: u64,
    speaks: bool,
    /// Of the agent's line.
    agent_speaks: bool,
    sounds: VecDeque<Sound>,
    /// A voice that never says that an utterance is complete.
    pub never_done: bool,
    /// A voice that gives no audio.
    pub mute: bool,
    /// Texts given to the voice, in order.
    pub said: Vec<String>,
    pub asked: Vec<(RequestId, LlmRequest)>,
    /// The caller's sound that each of these requests is about.
    pub heard: Vec<Vec<Span>>,
    /// The sound of which request is which utterance.
    pub utters: Vec<(RequestId, UtteranceId)>,
    /// Sound of a model that waits for its utterance; `None` is its end.
    waiting: Vec<(RequestId, Option<String>)>,
    /// What a model that speaks by itself was told to say, and which.
    pub recited: Vec<(usize, String)>,
    pub voices: usize,
    pub cancelled: Vec<RequestId>,
    /// Requests for the same once more.
    pub seconds: Vec<RequestId>,
    /// The place of the newest recogniser, model and voice that was asked for.
    pub places: [usize; 3],
    /// What the process is told of vendors.
    pub noted: Vec<(Service, usize, Did)>,
    pub tools: Vec<(ToolRunId, ToolCall)>,
    pub cancelled_tools: Vec<ToolRunId>,
    pub recognisers: usize,
    /// How much of the past the open recogniser heard; `None` while none is open.
    pub replay: Option<Duration>,
    pub finalised: usize,
    /// Recognisers opened for the agent, and whether one is open.
    pub agent_recognisers: usize,
    pub hears_agent: bool,
    /// Recognisers opened for whoever instructs the bot, whether one is open, and whether there is sound for it.
    pub whisper_recognisers: usize,
    pub hears_whispers: bool,
    whispers: bool,
    /// Orders about seats that wait for the line's word.
    pub seats: Vec<(u64, Order)>,
    /// Pauses that a turn model is to judge.
    pub pauses: Vec<PauseId>,
    pub tones: usize,
    /// Nothing that is said is heard before then.
    pub silent_until: u64,
    /// Keys that the bot pressed, and when.
    pub keys: Vec<(u64, char)>,
    /// What the session said to each order.
    pub verdicts: Vec<Result<(), String>>,
    pub transfers: Vec<String>,
    /// What the line was to do with somebody who may take the call.
    pub consults: Vec<ConsultOrder>,
    pub hung_up: Option<DisconnectedBy>,
    pub events: Vec<String>,
    /// Texts of lines, as whoever watches and the journal are told them.
    pub shown: Vec<String>,
    pub outcome: Option<Box<Outcome>>,
    /// Everything that was fed in and what came of it, for a replay.
    pub log: Vec<(Duration, Event, Vec<Command>)>,
}

pub fn config(change: impl FnOnce(&mut RuntimeConfig)) -> RuntimeConfig {
    let text =
        r#"{"session_id":"call_x","webhook_url":"","system_prompt":"Be kind.","opening_message":"Hello."}"#;
    let mut config: RuntimeConfig = serde_json::from_str(text).unwrap();
    change(&mut config);
    config
}

/// Prompts for a caller who is silent for so long.
pub fn prompts_after(after_secs: f32) -> Option<ReEngagement> {
    Some(ReEngagement { after_secs, ..ReEngagement::default() })
}

impl Scene {
    /// An answered call whose greeting has been heard.
    pub fn begin(change: impl FnOnce(&mut RuntimeConfig)) -> Self {
        let mut scene = Self::answered(change);
        scene.pass(1_000);
        scene
    }

    /// A call that is answered now: nothing of the greeting was heard yet.
    pub fn answered(change: impl FnOnce(&mut RuntimeConfig)) -> Self {
        Self::by(Rules::from_config(&config(change), Duration::ZERO))
    }

    /// A call by these rules that is answered now.
    pub fn by(rules: Rules) -> Self {
        let mut scene = Self::waiting(rules);
        scene.feed(Event::Answered);
        if scene.voices > 0 {
            scene.feed(Event::Voice(VoiceEvent::Ready));
        }
        scene
    }

    /// A call by these rules before its answer.
    pub fn waiting(rules: Rules) -> Self {
        Self {
            session: Session::new(rules),
            now: 0,
            speaks: false,
            agent_speaks: false,
            sounds: VecDeque::new(),
            never_done: false,
            mute: false,
            said: Vec::new(),
            asked: Vec::new(),
            heard: Vec::new(),
            utters: Vec::new(),
            waiting: Vec::new(),
            recited: Vec::new(),
            voices: 0,
            cancelled: Vec::new(),
            seconds: Vec::new(),
            places: [0; 3],
            noted: Vec::new(),
            tools: Vec::new(),
            cancelled_tools: Vec::new(),
            recognisers: 0,
            replay: None,
            finalised: 0,
            agent_recognisers: 0,
            hears_agent: false,
            whisper_recognisers: 0,
            hears_whispers: false,
            whispers: false,
            seats: Vec::new(),
            pauses: Vec::new(),
            tones: 0,
            silent_until: 0,
            keys: Vec::new(),
            verdicts: Vec::new(),
            transfers: Vec::new(),
            consults: Vec::new(),
            hung_up: None,
            events: Vec::new(),
            shown: Vec::new(),
            outcome: None,
            log: Vec::new(),
        }
    }

    pub fn feed(&mut self, event: Event) {
        let now = Duration::from_millis(self.now);
        let mut commands = Vec::new();
        self.session.on(now, event.clone(), &mut commands);
        self.log.push((now, event, commands.clone()));
        for command in commands {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { replay, provider } => {
                self.places[0] = provider;
                self.recognisers += 1;
                self.replay = Some(replay);
                self.feed(Event::Stt(SttEvent::Ready));
            }
            Command::FinalizeStt => self.finalised += 1,
            Command::CloseStt => self.replay = None,
            Command::JudgeTurn { id } => self.pauses.push(id),
            Command::Agent(AgentCommand::OpenStt { .. }) => {
                self.agent_recognisers += 1;
                self.hears_agent = true;
                self.feed(Event::Agent(AgentEvent::Stt(SttEvent::Ready)));
            }
            Command::Supervisor(AgentCommand::OpenStt { .. }) => {
                self.whisper_recognisers += 1;
                self.hears_whispers = true;
                self.feed(Event::Supervisor(SupervisorEvent::Stt(SttEvent::Ready)));
            }
            Command::Supervisor(AgentCommand::FinalizeStt) => self.finalised += 1,
            Command::Supervisor(AgentCommand::CloseStt) => self.hears_whispers = false,
            Command::Supervise { id, order } => self.seats.push((id, order)),
            Command::Agent(AgentCommand::FinalizeStt) => self.finalised += 1,
            Command::Agent(AgentCommand::CloseStt) => self.hears_agent = false,
            Command::Ask { request, provider, ask, heard } => {
                self.places[1] = provider;
                self.asked.push((request, *ask));
                self.heard.push(heard);
            }
            Command::Utter { request, utterance } => self.utter(request, utterance),
            Command::Recite { provider, utterance, text } => {
                self.recited.push((provider, text.clone()));
                self.voice(utterance, text);
                self.voice_done(utterance);
            }
            Command::OpenVoice { provider } => {
                self.places[2] = provider;
                self.voices += 1;
            }
            Command::AskSecond { request, .. } => self.seconds.push(request),
            Command::Vendor { service, place, did } => self.noted.push((service, place, did)),
            Command::CancelAsk { request } => self.cancelled.push(request),
            Command::RunTool { run, call } => self.tools.push((run, call)),
            Command::CancelTool { run } => self.cancelled_tools.push(run),
            Command::Say { utterance, text } => self.voice(utterance, text),
            Command::Phrase { utterance, text } => {
                self.voice(utterance, text);
                self.voice_done(utterance);
            }
            Command::EndSay { utterance } => self.voice_done(utterance),
            Command::StopSaying { utterance, .. } => self.sounds.retain(|s| s.id != utterance),
            Command::HoldTone => self.tones += 1,
            Command::KeepSilent { until } => self.silent_until = until.as_millis() as u64,
            Command::PressKey { key } => self.keys.push((self.now, key)),
            Command::OrderTaken { id } => self.note_verdict(id, Ok(())),
            Command::OrderRefused { id, why } => self.note_verdict(id, Err(why)),
            Command::Transfer { to } => self.transfers.push(to),
            Command::Consult(order) => self.consults.push(order),
            Command::CallBot { .. } | Command::ChangeBot { .. } | Command::ChangeLanguage { .. } => {}
            Command::JournalEvent(event) => self.events.push(event.event),
            Command::Finish(outcome) => self.outcome = Some(outcome),
            Command::HangUp { by } => self.hung_up = Some(by),
            Command::Notify(Notice::Transcript { entry, .. }) => self.shown.push(entry.text),
            Command::JournalTurn(entry) => self.shown.push(entry.text),
            Command::Notify(_) => {}
        }
    }

    fn voice(&mut self, id: UtteranceId, text: String) {
        self.said.push(text.clone());
        if self.mute {
            return;
        }
        if self.sounds.iter().all(|s| s.id != id) {
            self.sounds.push_back(Sound { id, length_ms: 0, played_ms: 0 });
        }
        let sound = self.sounds.iter_mut().find(|s| s.id == id).unwrap();
        let mut at = sound.length_ms;
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let length = (word.chars().count() as u32 + 1) * MS_PER_CHAR;
            words.push(WordMark { text: word.into(), started_ms: at, ended_ms: at + length });
            at += length;
        }
        let ms = at - sound.length_ms;
        sound.length_ms = at;
        self.feed(Event::Voice(VoiceEvent::Audio { utterance: id, ms }));
        self.feed(Event::Voice(VoiceEvent::Words { utterance: id, words }));
    }

    fn voice_done(&mut self, utterance: UtteranceId) {
        if !self.never_done && !self.mute {
            self.feed(Event::Voice(VoiceEvent::Done { utterance }));
        }
    }

    fn utter(&mut self, request: RequestId, utterance: UtteranceId) {
        self.utters.push((request, utterance));
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(r, _)| *r == request);
        self.waiting = others;
        for (_, text) in own {
            self.model_sound(utterance, text);
        }
    }

    /// The model that was asked last says this, as sound and as text.
    pub fn model_says(&mut self, text: &str) {
        let request = self.asked.last().expect("the model was asked").0;
        self.tokens(text);
        self.feed(Event::Model(ModelEvent::Speaks { request }));
        self.give(request, Some(text.to_owned()));
    }

    fn give(&mut self, request: RequestId, text: Option<String>) {
        match self.utters.iter().find(|(r, _)| *r == request) {
            Some((_, utterance)) => self.model_sound(*utterance, text),
            None => self.waiting.push((request, text)),
        }
    }

    fn model_sound(&mut self, utterance: UtteranceId, text: Option<String>) {
        match text {
            Some(text) => self.voice(utterance, text),
            None => self.voice_done(utterance),
        }
    }

    /// It has given all its sound and text.
    pub fn model_done(&mut self) {
        let request = self.asked.last().expect("the model was asked").0;
        self.give(request, None);
        self.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
    }

    /// Let time pass.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.now < until && self.outcome.is_none() {
            self.now += STEP_MS;
            if self.session.next_deadline().is_some_and(|at| at <= Duration::from_millis(self.now)) {
                self.feed(Event::Tick);
            }
            if self.now.is_multiple_of(32) {
                let (probability, level) = if self.speaks { (0.93, -22.0) } else { (0.03, -66.0) };
                let ends_at = Duration::from_millis(self.now);
                self.feed(Event::Window(Window { ends_at, probability, levels_db: [level; 4] }));
                let (probability, level) = if self.agent_speaks { (0.93, -22.0) } else { (0.03, -66.0) };
                let window = Window { ends_at, probability, levels_db: [level; 4] };
                if self.hears_agent {
                    self.feed(Event::Agent(AgentEvent::Window(window)));
                }
                let (probability, level) = if self.whispers { (0.93, -22.0) } else { (0.03, -66.0) };
                let window = Window { ends_at, probability, levels_db: [level; 4] };
                if self.hears_whispers {
                    self.feed(Event::Supervisor(SupervisorEvent::Window(window)));
                }
            }
            if self.now.is_multiple_of(20) {
                self.play();
            }
        }
        self.now = self.now.max(until);
    }

    fn play(&mut self) {
        if self.now < self.silent_until {
            return;
        }
        let Some(sound) = self.sounds.iter_mut().find(|s| s.played_ms < s.length_ms) else { return };
        sound.played_ms = (sound.played_ms + 20).min(sound.length_ms);
        let event = Event::Played { utterance: sound.id, played_ms: sound.played_ms, audible: true };
        self.feed(event);
    }
}

/// A word with its place on the call's clock.
pub fn word(text: &str, started_ms: u64, ended_ms: u64) -> Word {
    Word { text: text.into(), started_ms, ended_ms }
}
