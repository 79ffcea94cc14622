//! Orders from outside the conversation.

use serde_json::json;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::DisconnectedBy;

use super::Session;
use super::event::{Command, OrderId};
use super::handing::{Handing, Target, Way};
use super::kind::EventKind;
use super::party::Party;
use super::phase::Phase;
use super::spending::object;
use super::text::phrase;
use super::utterance::Kind;

impl Session {
    pub(super) fn on_order(&mut self, id: OrderId, order: Order, out: &mut Vec<Command>) {
        let name = order.name();
        if matches!(order, Order::Supervise { .. } | Order::StopSupervising { .. }) {
            // The line knows whether there is a seat: its word is waited for.
            if let Err(why) = self.ask_for_seat(id, order, out) {
                self.on_seated(id, Some(why), out);
            }
            return;
        }
        match self.carry_out(order, out) {
            Ok(()) => {
                self.report.event(self.now, EventKind::OrderTaken, name, out);
                out.push(Command::OrderTaken { id });
            }
            Err(why) => {
                self.report.event(self.now, EventKind::OrderRefused, format!("{name}: {why}"), out);
                out.push(Command::OrderRefused { id, why });
            }
        }
    }

    /// Or why not.
    fn carry_out(&mut self, order: Order, out: &mut Vec<Command>) -> Result<(), String> {
        match (order, self.course.phase()) {
            (Order::Say { text }, Phase::Live) => {
                let words = phrase(&text, &self.rules.language);
                let words = words.ok_or_else(|| "nothing in the text can be said".to_owned())?;
                if let Some(why) = self.forbidden_by(&words) {
                    return Err(why);
                }
                self.course.not_silent();
                self.say_phrase(&text, Kind::Ordered, out);
            }
            (Order::Steer { text }, Phase::Live | Phase::Held | Phase::Accompanied | Phase::Consulting) => {
                self.note_steered(&text)
            }
            (Order::Hold, Phase::Live) => {
                self.stand_still(out);
                self.course.hold();
            }
            (Order::GoOn, Phase::Held) => self.listen_again(out),
            (Order::GoOn, Phase::Consulting) => self.end_consult("it was called off", out),
            (Order::Transfer { to, warm: false }, Phase::Live) => {
                self.rules.transfers.ok_or_else(|| self.rules.no_transfer.clone())?;
                let target = Target { label: to.clone(), to, way: Way::Blind };
                self.hand_over_by_order(target, out);
            }
            (Order::Transfer { to, warm: true }, Phase::Live) => {
                let target = self.rules.warm(&to)?;
                self.hand_over_by_order(target, out);
            }
            // Nothing is said, so it ends at once: when the order has its answer.
            (Order::End { .. }, Phase::HandedOver) => {
                self.course.end(DisconnectedBy::TransferToAgent, self.now);
            }
            (
                Order::End { goodbye },
                Phase::Live | Phase::Held | Phase::Accompanied | Phase::Screening | Phase::Machine,
            ) => {
                let words = phrase(&goodbye, &self.rules.language);
                if let Some(why) = words.and_then(|words| self.forbidden_by(&words)) {
                    return Err(why);
                }
                let text = if goodbye.trim().is_empty() { self.rules.closing.clone() } else { goodbye };
                self.say_goodbye(text, DisconnectedBy::Bot, out);
            }
            (_, phase) => return Err(format!("it is not possible {}", phase.when())),
        }
        Ok(())
    }

    fn hand_over_by_order(&mut self, target: Target, out: &mut Vec<Command>) {
        self.handing = None;
        let handing = Handing { target, reason: String::new(), summary: String::new() };
        self.begin_handing(handing, out);
    }

    /// The caller was handed over: the conversation is over, also where it came so late that it had gone on meanwhile.
    pub(super) fn transferred(&mut self, out: &mut Vec<Command>) {
        if let Some(transfer) = &mut self.transfer {
            transfer.failed = None;
            transfer.done = true;
            let data = object(json!({"transferred_to": transfer.to, "method": transfer.method}));
            let told = (transfer.method.clone(), data);
            self.report.event_with(self.now, EventKind::Transferred, told, out);
        }
        self.finish(DisconnectedBy::TransferToAgent, out);
    }

    /// The caller is still here: the model is told why, and says something about it.
    pub(super) fn transfer_failed(&mut self, why: &str, out: &mut Vec<Command>) {
        if self.course.phase() != Phase::Transferring {
            return;
        }
        self.report.event(self.now, EventKind::TransferFailed, why, out);
        if let Some(transfer) = &mut self.transfer {
            transfer.failed = Some(why.to_owned());
        }
        self.listen_again(out);
        if self.gives_up(out) {
            return;
        }
        self.context.note(&format!("The transfer failed: {why}. The caller is still on the line."));
        self.think_anew(out);
    }

    /// The caller is not here any more: with whoever they were to be handed over to, or nowhere. The record says what is known.
    pub(super) fn transfer_unclear(&mut self, why: &str, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::TransferUnclear, why, out);
        if let Some(transfer) = &mut self.transfer {
            transfer.failed = Some(format!("it is not known whether the caller was handed over: {why}"));
        }
    }

    /// Nobody listens and nothing is said until [`Session::listen_again`]. What the caller said before and nobody answered the
    /// model knows.
    pub(super) fn stand_still(&mut self, out: &mut Vec<Command>) {
        self.fall_silent(out);
        let open = self.flush_caller(out);
        self.context.caller(&open);
        self.listening.hold(self.now);
        out.push(Command::CloseStt);
    }

    /// Nothing is said any more, and nothing that was planned. What the caller said before and nobody answered the model knows. An
    /// entry of keys goes on: whoever keys a PIN does not stop in its middle.
    pub(super) fn fall_silent(&mut self, out: &mut Vec<Command>) {
        self.handing = None;
        self.drop_successor();
        self.cancel_thought(out);
        self.silence_mouth(out);
        let unanswered = self.plan.take_unanswered().unwrap_or_default();
        self.plan.clear();
        self.cut = None;
        self.context.drop_promises();
        self.context.caller(&unanswered);
        self.speaking.stay_silent();
    }

    /// Nothing of what was heard meanwhile counts: a recogniser is opened anew.
    pub(super) fn listen_again(&mut self, out: &mut Vec<Command>) {
        self.course.release();
        self.wake_voice(out);
        self.listening.go_on(self.now);
        self.open_stt(Party::Caller, out);
    }
}
