//! Orders from outside the conversation.

use vox_shared::wire::result::DisconnectedBy;

use super::Session;
use super::event::{Command, Order};
use super::kind::EventKind;
use super::phase::Phase;
use super::utterance::Kind;

impl Session {
    pub(super) fn on_order(&mut self, order: Order, out: &mut Vec<Command>) {
        let taken = match (order, self.course.phase()) {
            (Order::Say { text }, Phase::Live) => {
                self.say_phrase(&text, Kind::Ordered, out);
                "say"
            }
            (Order::Steer { text }, Phase::Live | Phase::Held) => {
                self.context.note(&text);
                "steer"
            }
            (Order::Hold, Phase::Live) => {
                self.hold(out);
                "hold"
            }
            (Order::GoOn, Phase::Held) => {
                self.course.release();
                self.listening.go_on(self.now);
                self.open_stt(out);
                "go on"
            }
            (Order::End { goodbye }, Phase::Live | Phase::Held) => {
                let text = if goodbye.trim().is_empty() { self.rules.closing.clone() } else { goodbye };
                self.say_goodbye(text, DisconnectedBy::Bot, out);
                "end"
            }
            (order, _) => {
                let why = format!("{} is not possible now", name(&order));
                return self.report.event(self.now, EventKind::OrderRefused, why, out);
            }
        };
        self.report.event(self.now, EventKind::OrderTaken, taken, out);
    }

    /// Nobody listens and nothing is said until the order to go on. A recogniser is opened anew then. What the caller said
    /// before and nobody answered the model knows.
    fn hold(&mut self, out: &mut Vec<Command>) {
        self.cancel_thought(out);
        self.silence_mouth(out);
        let unanswered = self.plan.take_unanswered().unwrap_or_default();
        self.plan.clear();
        self.cut = None;
        self.context.drop_promises();
        self.context.caller(&unanswered);
        self.context.caller(&self.listening.text());
        self.flush_caller(out);
        self.keys.clear();
        self.listening.hold(self.now);
        self.speaking.stay_silent();
        self.course.hold();
        out.push(Command::CloseStt);
    }
}

fn name(order: &Order) -> &'static str {
    match order {
        Order::Say { .. } => "say",
        Order::Steer { .. } => "steer",
        Order::Hold => "hold",
        Order::GoOn => "go on",
        Order::Transfer { .. } => "transfer",
        Order::End { .. } => "end",
    }
}
