//! A human agent who comes and goes, speaks and is written down.

use std::time::Duration;

use vox_core::provider::stt::SttEvent;
use vox_core::session::event::{AgentCommand, AgentEvent, Command, Event, Window};
use vox_shared::wire::result::{Speaker, TranscriptEntry};

use super::super::vendors::{SttMood, failure, stt_mood};
use super::{Happening, World};

const SAYINGS: [&str; 4] =
    ["let me have a look at that", "thank you for waiting", "yes", "that will be ninety then"];

/// The agent, as the line knows it, and the agent's recogniser.
#[derive(Debug, Default)]
pub struct Agent {
    here: bool,
    /// The session has taken the agent in and not let go.
    leads: bool,
    speaking: bool,
    saying: &'static str,
    unfinalised: Vec<&'static str>,
    stream: u64,
    mood: Option<SttMood>,
    pub joined: usize,
}

impl Agent {
    /// The session has taken the agent in and not let go.
    pub fn leads(&self) -> bool {
        self.leads
    }
}

impl World {
    pub(super) fn agent_acts(&mut self) {
        let here = self.agent.here;
        let event = match self.random.range(0, 100) {
            0..4 => Some(AgentEvent::Joined),
            4..8 => Some(AgentEvent::Left),
            _ if !here => Some(AgentEvent::Joined),
            8..30 => Some(AgentEvent::Left),
            _ => None,
        };
        match event {
            Some(event) => {
                self.agent.here = event == AgentEvent::Joined;
                self.agent.speaking &= self.agent.here;
                self.feed(Event::Agent(event));
            }
            None if !self.agent.speaking => {
                self.agent.speaking = true;
                self.agent.saying = self.random.pick::<&'static str>(&SAYINGS);
                let length = self.agent.saying.len() as u64 * 65;
                self.at(self.now + length, Happening::AgentStops);
            }
            None => {}
        }
        let next = self.now + self.random.range(200, 6_000);
        self.at(next, Happening::AgentActs);
    }

    pub(super) fn agent_stops(&mut self) {
        self.agent.speaking = false;
        if !matches!(self.agent.mood, Some(SttMood::Good | SttMood::Breaks(_))) {
            return;
        }
        if self.random.chance(50) {
            let after = self.random.range(100, 700);
            self.agent_words(self.agent.saying, false, after);
        } else {
            self.agent.unfinalised.push(self.agent.saying);
        }
    }

    fn agent_words(&mut self, text: &str, from_finalize: bool, after: u64) {
        let (text, utterance_end) = (text.to_owned(), !from_finalize && self.random.chance(50));
        let event =
            SttEvent::Final { text, confidence: None, words: Vec::new(), from_finalize, utterance_end };
        self.at(self.now + after, Happening::AgentStt { stream: self.agent.stream, event });
    }

    pub(super) fn agent_stt(&mut self, stream: u64, event: SttEvent) {
        if stream == self.agent.stream {
            self.feed(Event::Agent(AgentEvent::Stt(event)));
        }
    }

    pub(super) fn agent_window(&mut self) {
        if self.agent.here && self.outcome.is_none() {
            let (probability, level) = if self.agent.speaking { (0.93, -22.0) } else { (0.03, -66.0) };
            let ends_at = Duration::from_millis(self.now);
            let window = Window { ends_at, probability, levels_db: [level; 4] };
            self.feed(Event::Agent(AgentEvent::Window(window)));
        }
    }

    pub(super) fn agent_command(&mut self, command: &AgentCommand) {
        match command {
            AgentCommand::OpenStt { .. } => {
                self.agent.stream += 1;
                let (mood, stream) = (stt_mood(&mut self.random), self.agent.stream);
                self.agent.mood = Some(mood);
                let ready = self.now + self.random.range(10, 800);
                if mood != SttMood::NeverReady {
                    self.at(ready, Happening::AgentStt { stream, event: SttEvent::Ready });
                }
                if let SttMood::Breaks(age) = mood {
                    let event = SttEvent::Failed(failure("cut"));
                    self.at(ready + age, Happening::AgentStt { stream, event });
                }
            }
            AgentCommand::FinalizeStt => {
                let text = std::mem::take(&mut self.agent.unfinalised).join(" ");
                let after = self.random.range(20, 1_500);
                self.agent_words(&text, true, after);
            }
            AgentCommand::CloseStt => {
                self.agent.stream += 1;
                self.agent.mood = None;
                self.agent.leads = false;
            }
        }
    }

    /// The session tells that the agent leads, or does not any more.
    pub(super) fn note_agent(&mut self, event: &str) {
        match event {
            "agent_joined" => {
                self.agent.leads = true;
                self.agent.joined += 1;
            }
            "agent_left" | "max_duration" => self.agent.leads = false,
            _ => {}
        }
    }

    /// The call is ended from outside: the goodbye is said.
    pub(super) fn agent_leads_no_more(&mut self) {
        self.agent.leads = false;
    }

    /// While an agent leads, the bot says, asks and plays nothing.
    pub(super) fn check_silence(&self, command: &Command) {
        let is_bots = matches!(
            command,
            Command::Ask { .. }
                | Command::Say { .. }
                | Command::Phrase { .. }
                | Command::Recite { .. }
                | Command::Utter { .. }
                | Command::HoldTone
        );
        assert!(!(is_bots && self.agent.leads), "seed {}: {command:?} though an agent leads", self.seed);
    }

    /// People's lines stand in the order in which they began, and the model knows what the agent said.
    pub(super) fn judge_agent(&self, transcript: &[TranscriptEntry]) {
        let told: Vec<String> = self.session.context().history().into_iter().map(|m| m.text).collect();
        for pair in transcript.windows(2) {
            let speakers = [pair[0].speaker, pair[1].speaker];
            let concerns = speakers.contains(&Speaker::Agent) && !speakers.contains(&Speaker::Bot);
            let in_order = pair[0].started_ms <= pair[1].started_ms;
            assert!(in_order || !concerns, "seed {}: out of order: {pair:?}", self.seed);
        }
        for line in transcript.iter().filter(|l| l.speaker == Speaker::Agent) {
            let quoted = format!("[agent: {}]", line.text);
            assert!(told.contains(&quoted), "seed {}: the model does not know {quoted}", self.seed);
        }
    }
}
