//! Supervisors in the call: who is what, the ear that is whispered into, and what whoever talks aloud means for the bot.
//!
//! Whose seat it is and who has taken it the line knows; the session is told. What is whispered is no line of the conversation: it
//! becomes a note for the model and an event of the record, and goes no other way.

use serde_json::{Map, json};
use vox_shared::wire::order::Order;
use vox_shared::wire::result::LONGEST_LINE_CHARS;
use vox_shared::wire::supervision::Part;

use super::Session;
use super::agent::ear;
use super::event::{AgentCommand, Command, OrderId, SupervisorEvent};
use super::kind::EventKind;
use super::party::Party;
use super::phase::Phase;

/// What a whisper begins with, as the model is told it.
const GUIDANCE: &str = "Your supervisor tells you, and the caller does not hear it:";
/// The same of what is said aloud beside a bot that talks on.
const ALOUD: &str = "A supervisor who is in the call says, and the caller hears it:";

/// Who is what in the call, as far as the conversation goes by it.
#[derive(Debug, Default)]
pub struct Supervision {
    people: Vec<Supervisor>,
    /// An agent whom the line brought is there.
    agent: bool,
}

#[derive(Debug)]
struct Supervisor {
    who: String,
    part: Part,
    bot_goes_on: bool,
}

impl Supervision {
    /// Whether a person leads the call.
    pub fn is_led(&self) -> bool {
        self.agent || self.people.iter().any(|one| one.part.is_aloud() && !one.bot_goes_on)
    }

    /// Whether somebody speaks for the bot to hear: into its ear, or aloud beside it.
    fn instructs(&self) -> bool {
        self.is_whispered_to() || self.people.iter().any(|one| one.part.is_aloud() && one.bot_goes_on)
    }

    fn is_whispered_to(&self) -> bool {
        self.people.iter().any(|one| one.part == Part::WhisperToBot)
    }

    /// An agent whom the line brought comes or goes.
    pub fn agent(&mut self, is_there: bool) {
        self.agent = is_there;
    }

    fn leave(&mut self, who: &str) -> Option<Part> {
        let place = self.people.iter().position(|one| one.who == who)?;
        Some(self.people.remove(place).part)
    }
}

impl Session {
    /// The line is asked for a seat, or to give one up; [`super::event::Event::Seated`] follows. Or why not.
    pub(super) fn ask_for_seat(
        &mut self,
        id: OrderId,
        order: Order,
        out: &mut Vec<Command>,
    ) -> Result<(), String> {
        let phase = self.course.phase();
        if matches!(phase, Phase::Waiting | Phase::Ending(_) | Phase::Over) {
            return Err(format!("it is not possible {}", phase.when()));
        }
        if !self.rules.has_rooms {
            return Err(
                "this call is on a socket of its carrier's: supervisors can join calls in LiveKit rooms alone"
                    .into(),
            );
        }
        if let Order::Supervise { part, bot_goes_on, .. } = &order {
            let needs_ear = *part == Part::WhisperToBot || (part.is_aloud() && *bot_goes_on);
            if needs_ear && self.rules.stt.is_empty() {
                return Err(
                    "this bot's model hears the caller by itself, and has no ear to whisper into".into()
                );
            }
            let has_agent = self.supervision.agent
                || self.supervision.people.iter().any(|one| one.part == Part::TakeOver);
            if *part == Part::WhisperToAgent && !has_agent {
                return Err("no agent is in the call to whisper to".into());
            }
        }
        out.push(Command::Supervise { id, order });
        Ok(())
    }

    /// What the line says to it.
    pub(super) fn on_seated(&mut self, id: OrderId, refused: Option<String>, out: &mut Vec<Command>) {
        match refused {
            None => {
                self.report.event(self.now, EventKind::OrderTaken, "supervise", out);
                out.push(Command::OrderTaken { id });
            }
            Some(why) => {
                self.report.event(self.now, EventKind::OrderRefused, format!("supervise: {why}"), out);
                out.push(Command::OrderRefused { id, why });
            }
        }
    }

    pub(super) fn on_supervisor(&mut self, event: SupervisorEvent, out: &mut Vec<Command>) {
        match event {
            SupervisorEvent::Joined { who, part, bot_goes_on } => {
                self.supervisor_joined((who, part, bot_goes_on), out);
            }
            SupervisorEvent::Left { who, why } => self.supervisor_left(&who, &why, out),
            SupervisorEvent::Moved { who } => {
                let part = self.supervision.people.iter().find(|one| one.who == who).map(|one| one.part);
                if let Some(part) = part {
                    let why = "the call goes on in other rooms: ask for the seat again";
                    self.tell_of(EventKind::SupervisorMoved, (&who, part), why, out);
                }
            }
            SupervisorEvent::Window(window) if self.bots_ear_is_open => {
                self.on_window(Party::Supervisor, &window, out);
            }
            SupervisorEvent::Stt(event) if self.bots_ear_is_open => {
                self.on_stt(Party::Supervisor, event, out);
            }
            SupervisorEvent::Window(_) | SupervisorEvent::Stt(_) => {}
        }
    }

    fn supervisor_joined(&mut self, (who, part, bot_goes_on): (String, Part, bool), out: &mut Vec<Command>) {
        if matches!(self.course.phase(), Phase::Ending(_)) {
            return;
        }
        let was_whispered_to = self.supervision.is_whispered_to();
        let _before = self.supervision.leave(&who);
        self.tell_of(EventKind::SupervisorJoined, (&who, part), part.as_str(), out);
        self.supervision.people.push(Supervisor { who, part, bot_goes_on });
        self.follow_supervision(was_whispered_to, out);
    }

    fn supervisor_left(&mut self, who: &str, why: &str, out: &mut Vec<Command>) {
        let was_whispered_to = self.supervision.is_whispered_to();
        let Some(part) = self.supervision.leave(who) else { return };
        self.tell_of(EventKind::SupervisorLeft, (who, part), why, out);
        self.follow_supervision(was_whispered_to, out);
    }

    fn tell_of(&mut self, kind: EventKind, (who, part): (&str, Part), why: &str, out: &mut Vec<Command>) {
        let data: Map<_, _> = [("supervisor", json!(who)), ("part", json!(part))]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        self.report.event_with(self.now, kind, (why.to_owned(), data), out);
    }

    /// The bot is silent while a person leads, and has an ear for whoever instructs it. What was whispered until now stays a whisper,
    /// whatever its speaker is from now on.
    fn follow_supervision(&mut self, was_whispered_to: bool, out: &mut Vec<Command>) {
        match (self.supervision.is_led(), self.course.is_accompanied()) {
            (true, false) => self.agent_joined(out),
            // Whoever was asked to take the call may lead still.
            (false, true) if self.consult.is_none() => self.agent_left(out),
            _ => {}
        }
        let is_another = was_whispered_to != self.supervision.is_whispered_to();
        if self.bots_ear_is_open && (is_another || !self.supervision.instructs()) {
            self.shut_bots_ear(was_whispered_to, out);
        }
        if self.supervision.instructs() && !self.bots_ear_is_open {
            self.open_bots_ear(out);
        }
    }

    /// Another bot has the call: whoever instructs it is heard by its recognisers.
    pub(super) fn change_bots_ear(&mut self, out: &mut Vec<Command>) {
        if self.bots_ear_is_open {
            self.shut_bots_ear(self.supervision.is_whispered_to(), out);
            self.open_bots_ear(out);
        }
    }

    fn open_bots_ear(&mut self, out: &mut Vec<Command>) {
        self.bots_ear_is_open = true;
        self.bots_ear = ear(&self.rules);
        self.bots_ear.begin(self.now);
        self.open_stt(Party::Supervisor, out);
    }

    /// Nobody instructs the bot any more; what was said last is told.
    fn shut_bots_ear(&mut self, is_whisper: bool, out: &mut Vec<Command>) {
        let closed = self.bots_ear.close(self.turn, self.now);
        self.tell_model(&closed.text, is_whisper, out);
        self.bots_ear_is_open = false;
        self.bots_ear.stop();
        out.push(Command::Supervisor(AgentCommand::CloseStt));
    }

    /// A supervisor said this for the bot.
    pub(super) fn guide(&mut self, said: &str, out: &mut Vec<Command>) {
        // Where one whispers while another talks aloud it is not known which of them it was: then the bot does not count on the caller
        // having heard it.
        self.tell_model(said, self.supervision.is_whispered_to(), out);
    }

    /// The model is told, and the record has it as an event: it is no line of the conversation.
    fn tell_model(&mut self, said: &str, is_whisper: bool, out: &mut Vec<Command>) {
        let said: String = said.trim().chars().take(LONGEST_LINE_CHARS).collect();
        if said.is_empty() {
            return;
        }
        let (kind, lead, why) = match is_whisper {
            true => (EventKind::Whispered, GUIDANCE, "into the bot's ear"),
            false => (EventKind::SupervisorSaid, ALOUD, "aloud, beside the bot"),
        };
        self.context.note(&format!("{lead} {said}"));
        let data = Map::from_iter([("text".to_owned(), json!(said))]);
        self.report.event_with(self.now, kind, (why.to_owned(), data), out);
    }

    /// No recogniser is left for the bot's ear: the call goes on, and whoever watches is told.
    pub(super) fn whispers_are_lost(&mut self, why: String, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::WhispersLost, why, out);
    }

    /// The call is over, or its last words are: everybody goes.
    pub(super) fn let_supervisors_go(&mut self, out: &mut Vec<Command>) {
        if self.bots_ear_is_open {
            self.shut_bots_ear(self.supervision.is_whispered_to(), out);
        }
        for Supervisor { who, part, .. } in std::mem::take(&mut self.supervision.people) {
            self.tell_of(EventKind::SupervisorLeft, (&who, part), "the call ended", out);
        }
    }
}
