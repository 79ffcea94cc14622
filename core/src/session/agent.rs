//! A second human in the call: the agent leads while there, and the bot listens and is silent.

use super::Session;
use super::event::{AgentCommand, AgentEvent, Command};
use super::kind::EventKind;
use super::listening::Listening;
use super::party::Party;
use super::phase::Phase;
use super::report::TurnClock;
use super::rules::Rules;

impl Session {
    pub(super) fn on_agent(&mut self, event: AgentEvent, out: &mut Vec<Command>) {
        match event {
            AgentEvent::Joined => {
                self.supervision.agent(true);
                self.agent_joined(out);
            }
            AgentEvent::Left => {
                self.supervision.agent(false);
                // A supervisor may lead still.
                if self.course.is_accompanied() && !self.supervision.is_led() && self.consult.is_none() {
                    self.agent_left(out);
                }
            }
            _ if !self.course.is_accompanied() => {}
            AgentEvent::Window(window) => self.on_window(Party::Agent, &window, out),
            AgentEvent::Stt(event) => self.on_stt(Party::Agent, event, out),
        }
    }

    /// The bot falls silent. An agent who comes to a caller who waits, on hold or to be handed over, ends the waiting.
    pub(super) fn agent_joined(&mut self, out: &mut Vec<Command>) {
        let phase = self.course.phase();
        match phase {
            Phase::Live | Phase::Screening => self.fall_silent(out),
            Phase::Held | Phase::Transferring => {}
            Phase::Waiting
            | Phase::Accompanied
            | Phase::Consulting
            | Phase::HandedOver
            | Phase::Machine
            | Phase::Ending(_)
            | Phase::Over => return,
        }
        self.lead_by_agent(!matches!(phase, Phase::Live | Phase::Screening), out);
    }

    /// A person leads from now on. Nobody listened to a caller who `waited`.
    pub(super) fn lead_by_agent(&mut self, waited: bool, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::AgentJoined, "a human leads the call", out);
        self.course.accompany();
        if waited {
            self.listening.go_on(self.now);
            self.open_stt(Party::Caller, out);
        }
        self.context.note(
            "A human agent has joined the call and talks with the caller. The agent's words are marked [agent: …].",
        );
        self.agent_ear = ear(&self.rules);
        self.agent_ear.begin(self.now);
        self.open_stt(Party::Agent, out);
    }

    /// The bot takes the call back and says something.
    pub(super) fn agent_left(&mut self, out: &mut Vec<Command>) {
        self.let_agent_go(out);
        self.report.event(self.now, EventKind::AgentLeft, "the bot leads the call again", out);
        self.course.release();
        self.clock = TurnClock::default();
        self.prompts_used = 0;
        if self.listening.recogniser.is_lost() {
            return self.give_up_hearing("the recogniser was lost while an agent led the call".into(), out);
        }
        self.context.note("The human agent has left the call. You talk with the caller again.");
        self.wake_voice(out);
        self.think_anew(out);
    }

    /// Nobody listens to the agent any more; what was said last is written down.
    pub(super) fn let_agent_go(&mut self, out: &mut Vec<Command>) {
        self.flush_agent(out);
        self.agent_ear.stop();
        if !self.rules.model_hears() {
            out.push(Command::Agent(AgentCommand::CloseStt));
        }
    }

    /// The recogniser of one of the two is lost. The people go on, and the model knows that it does not know all.
    pub(super) fn not_written_down(&mut self, who: Party) {
        self.context.note(&format!("From here on the words of the {} are not known.", who.name()));
    }
}

/// An ear that has heard nothing.
pub(super) fn ear(rules: &Rules) -> Listening {
    let (vad, turn) = (rules.vad.clone(), rules.turn.clone());
    if rules.model_hears() { Listening::by_sound(vad, turn) } else { Listening::new(vad, turn) }
}
