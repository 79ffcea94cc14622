//! A call in virtual time whose every event a test writes itself, but for what is the same in all: windows of 32 ms, a voice of
//! 60 ms a character, and a line that plays what it is given.

use std::collections::VecDeque;
use std::time::Duration;

use vox_core::provider::Failure;
use vox_core::provider::llm::{Finish, LlmEvent, LlmRequest, Role, ToolCall};
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::{UtteranceId, WordMark};
use vox_core::session::Session;
use vox_core::session::event::{
    AgentCommand, AgentEvent, Command, ConsultEvent, ConsultOrder, Event, ModelEvent, Notice, Outcome,
    PauseId, RequestId, Span, SupervisorEvent, ToolRunId, VoiceEvent, Window,
};
use vox_core::session::rules::Rules;
use vox_core::session::standing::Did;
use vox_shared::model::bot::ReEngagement;
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker, TranscriptEntry, Word};

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
            Command::PressKey { key } => self.keys.push((self.now, key)),
            Command::OrderTaken { id } => self.note_verdict(id, Ok(())),
            Command::OrderRefused { id, why } => self.note_verdict(id, Err(why)),
            Command::Transfer { to } => self.transfers.push(to),
            Command::Consult(order) => self.consults.push(order),
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
        let Some(sound) = self.sounds.iter_mut().find(|s| s.played_ms < s.length_ms) else { return };
        sound.played_ms = (sound.played_ms + 20).min(sound.length_ms);
        let event = Event::Played { utterance: sound.id, played_ms: sound.played_ms, audible: true };
        self.feed(event);
    }

    /// The line carries sound that the detector takes for speech, for so long.
    pub fn sound(&mut self, ms: u64) {
        self.speaks = true;
        self.pass(ms);
        self.speaks = false;
    }

    /// Sound begins or ends, while time passes elsewhere.
    pub fn set_sound(&mut self, on: bool) {
        self.speaks = on;
    }

    /// The same on the agent's line.
    pub fn set_agent_sound(&mut self, on: bool) {
        self.agent_speaks = on;
    }

    /// The agent says this in so much time, and the agent's recogniser does what it should.
    pub fn agent_says(&mut self, text: &str, ms: u64) {
        self.agent_speaks = true;
        self.pass(ms);
        self.agent_speaks = false;
        self.agent_words(text);
        self.pass(700);
    }

    pub fn agent_words(&mut self, text: &str) {
        let (text, words) = (text.to_owned(), Vec::new());
        let confidence = Some(0.9);
        let event = SttEvent::Final { text, confidence, words, from_finalize: false, utterance_end: true };
        self.feed(Event::Agent(AgentEvent::Stt(event)));
    }

    /// The same of whoever instructs the bot.
    pub fn set_whispers(&mut self, on: bool) {
        self.whispers = on;
    }

    /// Whoever instructs the bot says this in so much time, and the recogniser does what it should.
    pub fn supervisor_says(&mut self, text: &str, ms: u64) {
        self.whispers = true;
        self.pass(ms / 2);
        let event = SttEvent::Partial { text: text.into() };
        self.feed(Event::Supervisor(SupervisorEvent::Stt(event)));
        self.pass(ms / 2);
        self.whispers = false;
        let (text, words) = (text.to_owned(), Vec::new());
        let confidence = Some(0.9);
        let event = SttEvent::Final { text, confidence, words, from_finalize: false, utterance_end: true };
        self.feed(Event::Supervisor(SupervisorEvent::Stt(event)));
        self.pass(700);
    }

    pub fn partial(&mut self, text: &str) {
        self.feed(Event::Stt(SttEvent::Partial { text: text.into() }));
    }

    pub fn final_words(&mut self, text: &str) {
        self.stt_final(text, false, false, Vec::new());
    }

    pub fn stt_final(&mut self, text: &str, from_finalize: bool, utterance_end: bool, words: Vec<Word>) {
        let confidence = Some(0.9);
        let text = text.to_owned();
        self.feed(Event::Stt(SttEvent::Final { text, confidence, words, from_finalize, utterance_end }));
    }

    /// The caller says this in so much time, and the recogniser does what it should.
    pub fn caller_says(&mut self, text: &str, ms: u64) {
        self.sound(ms);
        self.stt_final(text, false, true, Vec::new());
        self.pass(700);
    }

    /// The newest request is answered with this text.
    pub fn reply(&mut self, text: &str) {
        self.tokens(text);
        self.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
    }

    pub fn tokens(&mut self, text: &str) {
        self.llm(LlmEvent::Text(text.into()));
    }

    pub fn llm(&mut self, event: LlmEvent) {
        let request = self.asked.last().expect("the model was asked").0;
        self.feed(Event::Llm { request, event });
    }

    pub fn llm_fails(&mut self, failure: Failure) {
        self.llm(LlmEvent::Failed(failure));
    }

    pub fn calls_tool(&mut self, id: &str, name: &str, arguments: serde_json::Value) {
        self.llm(LlmEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments }));
    }

    /// Order something; the session says at once what it makes of it.
    pub fn order(&mut self, order: Order) {
        let id = self.verdicts.len() as u64 + 1;
        self.feed(Event::Order { id, order });
        assert_eq!(self.verdicts.len() as u64, id, "an order without a verdict");
    }

    fn note_verdict(&mut self, id: u64, verdict: Result<(), String>) {
        self.verdicts.push(verdict);
        assert_eq!(self.verdicts.len() as u64, id, "a verdict on another order");
    }

    /// What becomes of somebody who may take the call.
    pub fn consult(&mut self, event: ConsultEvent) {
        self.feed(Event::Consult(event));
    }

    /// The texts and speakers of what was said between the bot and whoever was asked, after the end.
    pub fn asides(&self) -> Vec<(String, String)> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        let asides = outcome.events.iter().filter(|event| event.event == "consult_line");
        let text = |event: &vox_shared::wire::result::CallEvent, name: &str| {
            event.data[name].as_str().unwrap().to_owned()
        };
        asides.map(|event| (text(event, "speaker"), text(event, "text"))).collect()
    }

    pub fn is_recorded(&self) -> bool {
        self.session.is_recorded()
    }

    pub fn key(&mut self, key: char) {
        self.feed(Event::Dtmf(key));
    }

    pub fn hang_up(&mut self) -> &Outcome {
        self.feed(Event::HungUp { by: DisconnectedBy::Customer });
        self.outcome.as_ref().expect("a call that was hung up has an outcome")
    }

    /// Whether the bot is being heard.
    pub fn bot_speaks(&self) -> bool {
        self.sounds.iter().any(|s| s.played_ms < s.length_ms)
    }

    /// Let the bot say all it has.
    pub fn hear_out(&mut self) {
        while self.bot_speaks() && self.outcome.is_none() {
            self.pass(20);
        }
        self.pass(40);
    }

    /// What the caller has said, as the newest request tells the model.
    pub fn told(&self) -> Vec<String> {
        let (_, request) = self.asked.last().expect("the model was asked");
        let users = request.messages.iter().filter(|m| m.role == Role::User);
        users.map(|m| m.text.clone()).collect()
    }

    /// The roles and texts of the newest request, after the system prompt.
    pub fn conversation(&self) -> Vec<(Role, String)> {
        let (_, request) = self.asked.last().expect("the model was asked");
        request.messages.iter().skip(1).map(|m| (m.role, m.text.clone())).collect()
    }

    pub fn context(&self) -> Vec<(Role, String)> {
        self.session.context().history().into_iter().map(|m| (m.role, m.text)).collect()
    }

    pub fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|e| *e == event).count()
    }

    /// All lines in their order, after the end.
    pub fn transcript(&self) -> Vec<(Speaker, String)> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        outcome.transcript.iter().map(|l| (l.speaker, l.text.clone())).collect()
    }

    /// The lines of one side, after the end.
    pub fn lines(&self, speaker: Speaker) -> Vec<String> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        let lines = outcome.transcript.iter().filter(|l| l.speaker == speaker);
        lines.map(|l: &TranscriptEntry| l.text.clone()).collect()
    }
}

/// A word with its place on the call's clock.
pub fn word(text: &str, started_ms: u64, ended_ms: u64) -> Word {
    Word { text: text.into(), started_ms, ended_ms }
}
