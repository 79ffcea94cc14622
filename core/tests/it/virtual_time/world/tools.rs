//! The bot's tools, and what must hold of every call of one: it is made, or refused in words.

use std::collections::BTreeSet;

use vox_core::provider::llm::{LlmEvent, Role, ToolCall};
use vox_core::session::event::{Command, Event, RequestId, ToolRunId};
use vox_shared::wire::result::CallEvent;

use super::super::vendors::tool_answer;
use super::{Happening, World};

/// Requests that may be open at a time.
const AT_ONCE: usize = 3;

#[derive(Debug, Default)]
pub struct Toolbox {
    open: BTreeSet<ToolRunId>,
    /// Calls in replies that somebody waited for.
    called: usize,
    pub ran: usize,
}

impl Toolbox {
    pub fn answered(&mut self, run: ToolRunId) {
        self.open.remove(&run);
    }

    /// Nobody waits for any of them.
    pub fn give_up(&mut self) {
        self.open.clear();
    }
}

impl World {
    /// What the session is told of the model and of tools.
    pub(super) fn note_model(&mut self, event: &Event) {
        let waits = matches!(event, Event::Llm { request, .. } if self.waits_for(*request));
        self.watch_event(event, waits);
        match event {
            Event::ToolDone { run, .. } => self.toolbox.answered(*run),
            Event::Llm { event: LlmEvent::ToolCall(_), .. } if waits => {
                self.toolbox.called += 1;
            }
            Event::Llm { request, event: LlmEvent::Done { .. } | LlmEvent::Failed(_) } => {
                self.llm.insert(*request, false);
            }
            _ => {}
        }
    }

    fn waits_for(&self, request: RequestId) -> bool {
        self.llm.get(&request).copied().unwrap_or(false)
    }

    pub(super) fn run_tool(&mut self, run: ToolRunId, call: &ToolCall) {
        self.watch_run(run, call);
        self.toolbox.ran += 1;
        self.toolbox.open.insert(run);
        assert!(
            self.toolbox.open.len() <= AT_ONCE,
            "seed {}: {:?} run at once",
            self.seed,
            self.toolbox.open
        );
        let (after, mut answer) = tool_answer(&mut self.random);
        if call.name == "schedule_callback" {
            answer = self.callback_answer(run);
        }
        self.at(self.now + after, Happening::Session(Event::ToolDone { run, answer }));
    }

    /// The model always knows what the caller said last, however long tools' answers are.
    pub(super) fn check_asked(&self, commands: &[Command]) {
        let asks = commands.iter().rev().find_map(|command| match command {
            Command::Ask { ask, .. } => Some(ask),
            _ => None,
        });
        let Some(ask) = asks else { return };
        let history = self.session.context().history();
        if let Some(said) = history.iter().rfind(|m| m.role == Role::User) {
            let is_told = ask.messages.iter().any(|m| m.role == Role::User && m.text.contains(&said.text));
            assert!(is_told, "seed {} at {}: {said:?} is not in {ask:?}", self.seed, self.now);
        }
    }

    /// After the end: each call of the model's is one event.
    pub(super) fn judge_tools(&self, events: &[CallEvent]) {
        let told = events.iter().filter(|e| matches!(e.event.as_str(), "tool_called" | "tool_refused"));
        assert_eq!(told.count(), self.toolbox.called, "seed {}: {events:?}", self.seed);
    }
}
