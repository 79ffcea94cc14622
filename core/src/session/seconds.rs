//! What a second request to a model means for the conversation: when it is sent, and what becomes of the one that loses.

use serde_json::json;
use vox_shared::wire::answers::Service;

use super::Session;
use super::event::{Command, RequestId};
use super::kind::EventKind;
use super::spending::object;
use super::standing::Did;
use super::thinking::Race;
use crate::provider::llm::LlmEvent;

impl Session {
    /// The model at this place was just asked: until when its first token is not late. A model that hears or speaks by itself is not
    /// asked twice.
    pub(super) fn expect_first_token(&mut self, place: usize) {
        let may = self.rules.second_requests && !self.rules.model_hears() && !self.rules.model_speaks();
        if let Some(after) = self.seconds.late_after(place).filter(|_| may) {
            self.thinking.late_after(after, self.now);
        }
    }

    /// The first token is late: the same is asked once more, if that may be paid for.
    pub(super) fn ask_second(&mut self, out: &mut Vec<Command>) {
        let tokens = self.context.tokens();
        let may = self.spending.over().is_none() && self.thinking.may_ask_second();
        if !may || !self.seconds.spend(tokens) {
            return;
        }
        let Some((request, place)) = self.thinking.ask_second(self.now) else { return };
        let vendor = self.rules.llm.at(place);
        self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
        let told = (vendor.provider, object(json!({"tokens": tokens})));
        self.report.event_with(self.now, EventKind::SecondRequest, told, out);
        let ask = Box::new(self.context.request());
        out.push(Command::AskSecond { request, provider: place, ask });
    }

    /// What one of two requests says. True when nothing is to be made of it but what is made here.
    pub(super) fn is_of_no_interest(
        &mut self,
        request: RequestId,
        event: &LlmEvent,
        out: &mut Vec<Command>,
    ) -> bool {
        let place = self.thinking.place();
        match self.thinking.race(request, event, self.now) {
            Race::None => return false,
            Race::Decided { loser, by_second, waited } => {
                if by_second {
                    // Without it the slowest answers would be missing from what is known of the model.
                    self.note_answered((Service::Llm, place), Some(waited), out);
                    let vendor = self.rules.llm.at(place).provider;
                    self.report.event(self.now, EventKind::SecondRequestWon, vendor, out);
                }
                self.give_up_second(loser, place, out);
                return false;
            }
            Race::Left { failed, failure } => {
                let vendor = self.rules.llm.at(place);
                self.report.failure("llm", &vendor);
                self.note_failed((Service::Llm, place), &failure, out);
                let why = format!("{}: {failure} (one of two requests)", vendor.provider);
                self.report.event(self.now, EventKind::ModelFailed, why, out);
                self.give_up_second(failed, place, out);
            }
            Race::Empty => self.give_up_second(request, place, out),
        }
        true
    }

    /// Nobody waits for the second request any more.
    pub(super) fn drop_second(&mut self, out: &mut Vec<Command>) {
        let place = self.thinking.place();
        if let Some(request) = self.thinking.drop_second() {
            self.give_up_second(request, place, out);
        }
    }

    /// Its tokens are spent: what it was told counts, and what it wrote nobody has seen.
    fn give_up_second(&mut self, request: RequestId, place: usize, out: &mut Vec<Command>) {
        let tokens = self.context.tokens();
        self.spending.tokens(tokens);
        let did = Did::Used { tokens, needlessly: true };
        out.push(Command::Vendor { service: Service::Llm, place, did });
        out.push(Command::CancelAsk { request });
    }

    /// The reply that is waited for has begun: the process learns how fast the model was. A tool that is called comes as a whole, and
    /// tells nothing of that.
    pub(super) fn note_first_token(&mut self, request: RequestId, event: &LlmEvent, out: &mut Vec<Command>) {
        let is_text = matches!(event, LlmEvent::Text(_));
        let begins = is_text || matches!(event, LlmEvent::ToolCall(_));
        if !begins || self.thinking.request() != Some(request) {
            return;
        }
        let place = self.thinking.place();
        if let Some(after) = self.thinking.answered(self.now) {
            self.note_answered((Service::Llm, place), Some(after).filter(|_| is_text), out);
        }
    }
}
