//! What people, vendors and operators do in a scene.

use std::time::Duration;

use serde_json::Value;
use vox_core::provider::Failure;
use vox_core::provider::llm::{Finish, LlmEvent, ToolCall};
use vox_core::provider::stt::SttEvent;
use vox_core::session::event::{AgentEvent, ConsultEvent, Event, Outcome, SupervisorEvent};
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Word};

use super::Scene;

impl Scene {
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

    pub fn calls_tool(&mut self, id: &str, name: &str, arguments: Value) {
        self.llm(LlmEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments }));
    }

    /// Order something; the session says at once what it makes of it.
    pub fn order(&mut self, order: Order) {
        let id = self.verdicts.len() as u64 + 1;
        self.feed(Event::Order { id, order });
        assert_eq!(self.verdicts.len() as u64, id, "an order without a verdict");
    }

    pub(super) fn note_verdict(&mut self, id: u64, verdict: Result<(), String>) {
        self.verdicts.push(verdict);
        assert_eq!(self.verdicts.len() as u64, id, "a verdict on another order");
    }

    /// What becomes of somebody who may take the call.
    pub fn consult(&mut self, event: ConsultEvent) {
        self.feed(Event::Consult(event));
    }

    pub fn key(&mut self, key: char) {
        self.feed(Event::Dtmf(key));
    }

    pub fn hang_up(&mut self) -> &Outcome {
        self.feed(Event::HungUp { by: DisconnectedBy::Customer });
        self.outcome.as_ref().expect("a call that was hung up has an outcome")
    }

    /// The line has beeped: the detector hears it a little later.
    pub fn beep(&mut self) {
        self.feed(Event::Beep { ago: Duration::from_millis(60) });
    }

    /// Let the bot say all it has.
    pub fn hear_out(&mut self) {
        while self.bot_speaks() && self.outcome.is_none() {
            self.pass(20);
        }
        self.pass(40);
    }
}
