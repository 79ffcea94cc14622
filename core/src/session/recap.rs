//! A long conversation in short: what was said first becomes a few sentences that the model itself writes, while the caller listens to
//! its reply. Nobody waits for them: without them the oldest messages are left out, as ever.

use serde_json::json;
use vox_shared::catalogue::SCRIPTED;

use super::Session;
use super::event::{Command, RequestId};
use super::kind::EventKind;
use super::spending::object;
use crate::provider::llm::{LlmEvent, LlmUsage, Message, Role};

/// Of what a model writes so much is taken, characters.
const LONGEST: usize = 3_000;
/// After one that came to nothing the next is asked for when the caller has said so much more.
const PATIENCE: usize = 5;

const INSTRUCTION: &str = "The conversation goes on, but you will not see its beginning any more. Write down what of it matters for the \
                           rest, for yourself and in the language of the conversation: who the caller is, what they want, names, numbers \
                           and dates exactly as they were said, what was looked up and answered, what was promised, and what is still \
                           open. Only facts from the conversation, in at most 150 words, without a greeting or a heading.";

/// Whether it is being written.
#[derive(Debug, Default)]
pub struct Recap {
    writing: Option<Writing>,
    /// What the caller has said so often, in messages, at which one came to nothing.
    failed_at: usize,
}

#[derive(Debug)]
struct Writing {
    request: RequestId,
    text: String,
    /// So many messages are to be told in short, and this one comes behind them.
    messages: usize,
    next: Message,
}

impl Session {
    /// The reply is complete, and the caller listens to it: the beginning of the conversation may be written down in short. By the
    /// bot's first model alone: while another stands in for it nothing more is asked of that one.
    pub(super) fn begin_recap(&mut self, provider: usize, out: &mut Vec<Command>) {
        let turns = self.rules.summary_after_turns;
        let is_scripted =
            || (0..self.rules.llm.len()).any(|at| self.rules.llm.at(at).provider == SCRIPTED.name);
        let can_ask = turns > 0
            && provider == 0
            && self.recap.writing.is_none()
            && self.course.is_live()
            && self.spending.over().is_none()
            && !self.rules.model_hears()
            && !self.rules.model_speaks()
            // Its script knows the conversation by its messages.
            && !is_scripted();
        let said = self.context.turns();
        if !can_ask || said <= turns || (self.recap.failed_at > 0 && said < self.recap.failed_at + PATIENCE) {
            return;
        }
        let Some((mut ask, messages, next)) = self.context.beginning() else { return };
        ask.messages.push(Message::text(Role::System, INSTRUCTION));
        let request = self.thinking.ask_aside();
        let vendor = self.rules.llm.at(provider);
        self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
        out.push(Command::Ask { request, provider, ask: Box::new(ask), heard: Vec::new() });
        self.recap.writing = Some(Writing { request, text: String::new(), messages, next });
    }

    /// What the model writes of it. False when it is about something else.
    pub(super) fn take_recap(&mut self, of: RequestId, event: &LlmEvent, out: &mut Vec<Command>) -> bool {
        let Some(writing) = self.recap.writing.as_mut().filter(|writing| writing.request == of) else {
            return false;
        };
        match event {
            LlmEvent::Text(more) => {
                writing.text.push_str(more);
                if writing.text.chars().count() > LONGEST {
                    self.drop_recap(out);
                }
            }
            LlmEvent::ToolCall(_) | LlmEvent::Progress => {}
            LlmEvent::Done { usage, .. } => self.end_recap(*usage, out),
            // It was no reply, so no ladder knows of it; the next reply finds out whether the model works.
            LlmEvent::Failed(_) => {
                self.recap.writing = None;
                self.recap.failed_at = self.context.turns();
            }
        }
        true
    }

    fn end_recap(&mut self, usage: Option<LlmUsage>, out: &mut Vec<Command>) {
        let Some(Writing { text, messages, next, .. }) = self.recap.writing.take() else { return };
        self.count_aside(usage, text.chars().count() as u64);
        let text = text.trim();
        if text.is_empty() || !self.context.sum_up(messages, &next, text) {
            self.recap.failed_at = self.context.turns();
            return;
        }
        self.recap.failed_at = 0;
        let why = format!("{messages} messages are told to the model in short");
        let data = object(json!({"messages": messages}));
        self.report.event_with(self.now, EventKind::SummedUp, (why, data), out);
    }

    /// Nobody has time for it: the model is asked for something else, or the call is over.
    pub(super) fn drop_recap(&mut self, out: &mut Vec<Command>) {
        if let Some(writing) = self.recap.writing.take() {
            out.push(Command::CancelAsk { request: writing.request });
            self.count_aside(None, writing.text.chars().count() as u64);
            self.recap.failed_at = self.context.turns();
        }
    }
}
