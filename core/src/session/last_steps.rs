//! What is left when no vendor of a ladder works any more: an answer that the operator wrote down, a person, and an apology. See
//! `docs/bots.md`, "When vendors fail".

use serde_json::json;
use vox_shared::wire::answers::Service;
use vox_shared::wire::result::DisconnectedBy;

use super::Session;
use super::common_answers::best;
use super::event::Command;
use super::handing::{Handing, Way};
use super::kind::EventKind;
use super::spending::object;
use super::transferring::one_moment;
use super::utterance::Kind;

/// How far it is.
#[derive(Debug, Default)]
pub struct LastSteps {
    /// A vendor is lost for the rest of the call, and that is why a person is to take it.
    is_handing_on: bool,
    /// The turn of the caller that had a common answer: nothing is answered twice.
    answered: Option<u32>,
}

impl Session {
    /// The model cannot be asked: the caller gets the answer that the operator wrote for what was asked, if there is one.
    pub(super) fn say_common_answer(&mut self, out: &mut Vec<Command>) -> bool {
        let is_new = self.last_steps.answered != Some(self.turn);
        let Some(place) = best(&self.rules.common_answers, &self.asked).filter(|_| is_new) else {
            return false;
        };
        self.last_steps.answered = Some(self.turn);
        let text = self.rules.common_answers[place].answer.clone();
        let told = ("the model cannot be asked".to_owned(), object(json!({"place": place})));
        self.report.event_with(self.now, EventKind::CommonAnswer, told, out);
        self.say_phrase(&text, Kind::Reply, out);
        true
    }

    /// None of these vendors works: a person takes the call, or the bot apologises and hangs up. Whoever cannot hear it any more is not
    /// kept waiting.
    pub(super) fn last_steps(&mut self, lost: Service, why: String, out: &mut Vec<Command>) {
        self.error = Some(why);
        if !self.hands_on(lost, out) {
            self.apologise(out);
        }
    }

    /// The apology may be in the cache where no voice works; if it is not, the call ends without it.
    fn apologise(&mut self, out: &mut Vec<Command>) {
        let apology = self.rules.phrases.apology.clone();
        self.say_goodbye(apology, DisconnectedBy::Error, out);
    }

    /// Nothing can be said any more, not even what is kept.
    pub(super) fn end_in_silence(&mut self, why: String, out: &mut Vec<Command>) {
        self.error = Some(why);
        self.course.end(DisconnectedBy::Error, self.now);
        self.hang_up_now(out);
    }

    /// The bot's person for such cases takes the caller, where this line can do that. It is tried once. A bot without a voice cannot ask
    /// anybody; it can only hand over blindly.
    fn hands_on(&mut self, lost: Service, out: &mut Vec<Command>) -> bool {
        let wanted = self.rules.transfer_on_failure.trim().to_owned();
        if wanted.is_empty() || !self.course.is_live() || self.last_steps.is_handing_on {
            return false;
        }
        let target = match self.rules.choose(&wanted) {
            Ok(target) => target,
            Err(why) => {
                self.report.event(self.now, EventKind::TransferFailed, why, out);
                return false;
            }
        };
        if target.way == Way::Bot {
            let why = format!("'{}' is a bot: a person is to take the call", target.label);
            self.report.event(self.now, EventKind::TransferFailed, why, out);
            return false;
        }
        let is_mute = self.speaking.is_lost();
        if is_mute && target.way != Way::Blind {
            return false;
        }
        self.last_steps.is_handing_on = true;
        let told = (format!("the {} is lost", part(lost)), object(json!({"label": target.label})));
        self.report.event_with(self.now, EventKind::HandedOn, told, out);
        let reason = reason(&self.rules.language).to_owned();
        let handing = Handing { target, summary: reason.clone(), reason };
        if is_mute {
            self.begin_handing(handing, out);
            return true;
        }
        self.cancel_thought(out);
        self.silence_mouth(out);
        self.plan.clear();
        let own = self.rules.pre_transfer.trim();
        let words = if own.is_empty() { one_moment(&self.rules.language) } else { own }.to_owned();
        self.say_phrase(&words, Kind::Ordered, out);
        self.handing = Some(handing);
        true
    }

    /// A person is about to take the call because a vendor is lost: nothing that the caller says changes that.
    pub(super) fn is_being_handed_on(&self) -> bool {
        self.last_steps.is_handing_on && self.handing.is_some()
    }

    /// What the caller says meanwhile is known to the record, and is answered by whoever takes the call.
    pub(super) fn wait_for_a_person(&mut self, text: &str) {
        self.context.caller(text);
        self.plan.answer(self.speaking.line());
    }

    /// The caller is back from a person who did not take the call. True when that was the last hope: the bot apologises.
    pub(super) fn gives_up(&mut self, out: &mut Vec<Command>) -> bool {
        let is_last = self.last_steps.is_handing_on;
        if is_last {
            self.apologise(out);
        }
        is_last
    }
}

/// What a person is told who is asked to take such a call, by language (BCP-47): no model is asked to sum it up.
fn reason(language: &str) -> &'static str {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "de" => "Der Sprachassistent hat eine technische Störung und kann das Gespräch nicht fortsetzen.",
        "hi" => "स्वचालित सहायक में तकनीकी समस्या है, और वह बातचीत जारी नहीं रख सकता।",
        "es" => "El asistente automático tiene un problema técnico y no puede seguir con la llamada.",
        "fr" => "L'assistant automatique a un problème technique et ne peut pas poursuivre l'appel.",
        _ => "The automated assistant has a technical problem and cannot go on with the call.",
    }
}

/// For people.
fn part(service: Service) -> &'static str {
    match service {
        Service::Stt => "recogniser",
        Service::Llm => "model",
        Service::Tts => "voice",
    }
}
