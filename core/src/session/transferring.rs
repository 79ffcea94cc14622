//! The caller is handed over: by the model's tool or by an order, blindly or after somebody was asked.

use serde_json::json;

use super::Session;
use super::consult::bounded;
use super::event::{Command, Transfer};
use super::handing::{Handing, Target, Way};
use super::kind::EventKind;
use super::rules::TRANSFER_CALL;
use super::spending::object;
use super::text::argument;
use super::thinking::Thought;
use super::utterance::Kind;
use crate::provider::llm::ToolCall;

/// The method of the contract.
pub(super) const WARM: &str = "warm";

impl Session {
    /// Whether the model's call begins a transfer: it is alone, somebody is meant whom the line can reach, and it may be made.
    pub(super) fn takes_transfer(&mut self, call: &ToolCall, round: u32) -> bool {
        let is_known = self.rules.tools.iter().any(|tool| tool.name == TRANSFER_CALL);
        is_known && self.target_of(call).is_ok() && self.admit(call, round).is_ok()
    }

    /// Or why nobody can be meant.
    pub(super) fn target_of(&self, call: &ToolCall) -> Result<Target, String> {
        let target = self.rules.choose(&argument(&call.arguments, "target").unwrap_or_default())?;
        match target.way {
            Way::Bot => self.may_hand_over().map(|()| target),
            Way::Blind | Way::Warm { .. } => Ok(target),
        }
    }

    /// The model hands the caller over: what it says with that is heard first, or the bot's own words.
    pub(super) fn transfer_call(&mut self, call: ToolCall, thought: &Thought, out: &mut Vec<Command>) {
        let Ok(target) = self.target_of(&call) else { return };
        let text = |name: &str| argument(&call.arguments, name).unwrap_or_default().trim().to_owned();
        let handing =
            Handing { target, reason: bounded(&text("reason")), summary: bounded(&text("summary")) };
        let input = self.shown(&call.arguments);
        let data = object(json!({"tool": TRANSFER_CALL, "input": input, "status": "ok"}));
        self.report.event_with(self.now, EventKind::ToolCalled, (TRANSFER_CALL.to_owned(), data), out);
        if let Some(line) = self.plan.open_saying().map(|line| line.id).filter(|_| thought.handed) {
            self.context.promise(line, thought.said.trim());
        }
        self.plan.close_reply();
        let told = "The transfer begins as soon as the caller has heard that they are connected.";
        self.context.tool_results(vec![(call, told.into())]);
        if !thought.handed {
            let own = self.rules.pre_transfer.clone();
            let words = if own.trim().is_empty() { one_moment(&self.rules.language).to_owned() } else { own };
            self.say_phrase(&words, Kind::Ordered, out);
        }
        if handing.target.way == Way::Bot {
            self.call_bot(&handing.target.to, out);
        }
        self.handing = Some(handing);
    }

    /// The caller went on: a transfer that has not begun does not.
    pub(super) fn drop_handing(&mut self) {
        self.drop_successor();
        if self.handing.take().is_some() {
            self.context.note("The transfer was not begun, because the caller went on speaking.");
        }
    }

    /// All that was to be said before it was heard, and nobody speaks: begin.
    pub(super) fn begin_handing(&mut self, handing: Handing, out: &mut Vec<Command>) {
        match handing.target.way {
            Way::Blind => {
                // A line of which nobody can be handed over has no such target.
                let method = self.rules.transfers.unwrap_or_default();
                self.note_requested(&handing, method, out);
                self.stand_still(out);
                self.course.transfer(self.now);
                out.push(Command::Transfer { to: handing.target.to });
            }
            Way::Bot => self.begin_bot(handing, out),
            Way::Warm { ring_secs, .. } => self.begin_consult(handing, ring_secs, out),
        }
    }

    pub(super) fn note_requested(&mut self, handing: &Handing, method: &str, out: &mut Vec<Command>) {
        let Handing { target: Target { to, label, .. }, reason, summary } = handing;
        self.transfer = Some(Transfer {
            to: to.clone(),
            method: method.to_owned(),
            at: self.now,
            failed: None,
            done: false,
        });
        let kind = if method == WARM { WARM } else { "blind" };
        let data = json!({"transfer_type": kind, "target": to, "label": label, "reason": reason, "context": summary});
        let told = (format!("{kind}, {method}"), object(data));
        self.report.event_with(self.now, EventKind::TransferRequested, told, out);
    }
}

/// What a caller hears who is handed over by a model that says nothing.
pub(super) fn one_moment(language: &str) -> &'static str {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "de" => "Einen Moment bitte, ich verbinde Sie.",
        "hi" => "कृपया एक क्षण रुकिए, मैं आपको जोड़ रहा हूँ।",
        "es" => "Un momento, por favor, le paso.",
        "fr" => "Un instant, je vous mets en relation.",
        _ => "One moment please, I will connect you.",
    }
}
