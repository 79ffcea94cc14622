//! The tools of the bot's own: which calls of the model are made, what comes of them, and what the record has of it. Each call of a
//! reply is one event: `tool_called`, or `tool_refused` with the reason for which it was not made.

use serde_json::{Value, json};
use vox_shared::model::bot::tool::arguments;

use super::Session;
use super::event::{Command, ToolAnswer, ToolRunId, ToolStatus};
use super::kind::EventKind;
use super::report::ms;
use super::rules::{SEND_DTMF, SWITCH_LANGUAGE, TRANSFER_CALL};
use super::spending::object;
use super::thinking::{MAX_TOOL_ROUNDS, Refusal, Results, Started, Thought, Try, Waits};
use crate::provider::llm::ToolCall;

/// Of the arguments and of the answer, in the record.
const SHOWN_CHARS: usize = 2_000;
/// Arguments and answers of a whole call in its record, bytes of JSON; further ones are left out. A record that is too large is
/// taken by no bridge, and a running call has only so much room in the outbox.
const SHOWN_BYTES: usize = 256 * 1024;
/// Stands for what was left out.
const LEFT_OUT: &str = "…";
/// Why calls come to nothing whose reply nobody wants any more …
pub(super) const GIVEN_UP: &str = "the reply was given up";
/// … and those of one that the vendor broke off.
pub(super) const BROKE_OFF: &str = "the reply broke off";
/// What the model is told of a goodbye that waited for tools of which one did not do what it should …
const ENDS_NEXT: &str = "not yet, because not everything that was called beside this was done. The call ends with what you say next: \
                         tell the caller what came of it and say goodbye, and ask nothing.";
/// … and of one that came beside what the caller must agree to.
const CALLER_IS_ASKED: &str = "not done: the call goes on, because the caller has to be asked first. Ask; then this may be called \
                               again.";

impl Session {
    /// The reply goes on when these tools have answered; what it has in its own list waits for them. What was said before them keeps
    /// its place in the conversation.
    pub(super) fn run_tools(&mut self, thought: Thought, calls: Vec<ToolCall>, out: &mut Vec<Command>) {
        let line = self.plan.open_saying().map(|l| l.id);
        if let Some(line) = line.filter(|_| thought.handed) {
            self.context.promise(line, thought.said.trim());
        }
        self.plan.close_reply();
        let mut waiting = Vec::with_capacity(calls.len());
        for call in calls {
            let waits = self.waits_for(&call, thought.at.round, out);
            waiting.push((call, waits));
        }
        self.clock.tools_since = Some(self.now);
        let started = self.thinking.run_tools(thought, waiting, self.now);
        self.begin_runs(started, out);
        self.go_on_with_tools(out);
    }

    /// These calls can be made now. Keys the session presses itself.
    fn begin_runs(&mut self, started: Vec<(ToolRunId, ToolCall)>, out: &mut Vec<Command>) {
        for (run, call) in started {
            match call.name.as_str() {
                SEND_DTMF => self.press(run, &call),
                SWITCH_LANGUAGE => self.begin_switch(run, &call, out),
                _ => out.push(Command::RunTool { run, call }),
            }
        }
    }

    fn waits_for(&mut self, call: &ToolCall, round: u32, out: &mut Vec<Command>) -> Waits {
        if !self.rules.tools.iter().any(|t| t.name == call.name) {
            self.note_refused(call, "there is no such tool", out);
            return Waits::Not(Value::from("error: this tool does not exist"));
        }
        if let Some(why) = self.cannot_press(call).or_else(|| self.cannot_switch(call)) {
            self.note_refused(call, &why, out);
            return Waits::Not(format!("error: {why}").into());
        }
        match self.admit(call, round) {
            Ok(()) if call.name == TRANSFER_CALL => {
                let alone = || {
                    format!(
                        "{TRANSFER_CALL} must be called by itself; call it once more when the others have answered"
                    )
                };
                let why = self.target_of(call).err().unwrap_or_else(alone);
                self.note_refused(call, &why, out);
                Waits::Not(format!("error: {why}").into())
            }
            Ok(()) => Waits::ForTool,
            Err(refusal) => {
                self.note_refused(call, &refusal.why(), out);
                Waits::Not(refusal.for_model().into())
            }
        }
    }

    /// In the record: the call is not made.
    pub(super) fn note_refused(&mut self, call: &ToolCall, why: &str, out: &mut Vec<Command>) {
        let input = self.shown(&call.arguments);
        let data = object(json!({"tool": call.name, "input": input}));
        let told = (format!("{}: {why}", call.name), data);
        self.report.event_with(self.now, EventKind::ToolRefused, told, out);
    }

    /// The same for those that were counted and never begun.
    pub(super) fn note_not_begun(&mut self, calls: Vec<ToolCall>, why: &str, out: &mut Vec<Command>) {
        for call in calls {
            self.guard.take_back(&call);
            self.note_refused(&call, why, out);
        }
    }

    /// Whether the call may be made.
    pub(super) fn admit(&mut self, call: &ToolCall, round: u32) -> Result<(), Refusal> {
        if round >= MAX_TOOL_ROUNDS {
            return Err(Refusal::TooManyRounds);
        }
        let own = self.rules.own_tools.get(&call.name);
        if let Some(own) = own {
            let faults = arguments::faults(&own.parameters, &call.arguments);
            if !faults.is_empty() {
                return Err(Refusal::Arguments(faults));
            }
        }
        let confirms = own.is_some_and(|own| own.confirm);
        let thinking = &self.thinking;
        let is_under_way = || thinking.runs.is_running(&call.name, &call.arguments);
        if confirms {
            self.guard.allows(call, self.turn, is_under_way)?;
            self.guard.confirm(call, self.turn)?;
        }
        self.guard.admit(call, self.turn, is_under_way)
    }

    pub(super) fn on_tool_done(&mut self, run: ToolRunId, answer: ToolAnswer, out: &mut Vec<Command>) {
        if let Some(started) = self.thinking.runs.find_running(run) {
            self.note_callback(&started.call, &answer);
            self.note_run(&started, &answer, out);
        }
        let answered = self.thinking.runs.done(run, answer, self.now);
        if let Some((call, result)) = answered.late {
            // Where it comes is its place in the conversation: before what the caller says next.
            self.context.late_result(call, result);
            self.untold = true;
        }
        self.begin_runs(answered.started, out);
        self.go_on_with_tools(out);
    }

    /// What waited for the tools of a reply goes on when all of them have answered: the goodbye, if each did what it should, or the
    /// model, which learns what came of them. A model that had ended the call says so much and no more.
    pub(super) fn go_on_with_tools(&mut self, out: &mut Vec<Command>) {
        let Some((Results { of: mut results, all_well }, thought)) = self.thinking.tool_results() else {
            return;
        };
        self.clock.tools_answered(self.now);
        let end = thought.tools.first().cloned();
        if let Some(end) = end.as_ref().filter(|_| all_well) {
            self.context.tool_results(results);
            return self.end_call(end, &thought, out);
        }
        let mut at = Try { attempt: 1, round: thought.at.round + 1, ..thought.at };
        if let Some(end) = end {
            let is_asked = self.guard.asks_caller(self.turn);
            let answer = if is_asked { CALLER_IS_ASKED } else { ENDS_NEXT };
            match is_asked {
                true => self.note_refused(&end, "the caller has to be asked first", out),
                false => self.note_ended(&end, out),
            }
            at.ends = !is_asked;
            results.push((end, answer.into()));
        }
        self.context.tool_results(results);
        if !self.refuses_to_ask(out) {
            self.ask(at, out);
        }
    }

    /// They have had their time: the reply goes on without those that did not answer.
    pub(super) fn give_up_tools(&mut self, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::ToolFailed, "no answer in time", out);
        let not_begun = self.thinking.runs.give_up();
        self.note_not_begun(not_begun, "others did not answer in time", out);
        self.go_on_with_tools(out);
    }

    /// Nobody waits for the tools of the reply any more. The model learns what has answered; what runs goes on or is given up, as
    /// the tool says.
    pub(super) fn leave_tools(&mut self, out: &mut Vec<Command>) {
        let left = self.thinking.runs.leave();
        for (call, result) in left.done {
            self.context.late_result(call, result);
        }
        self.note_not_begun(left.not_begun, GIVEN_UP, out);
        if let Some(end) = self.thinking.take_waiting() {
            self.note_refused(&end, GIVEN_UP, out);
        }
        for started in left.running {
            if self.rules.own_tools.get(&started.call.name).is_some_and(|own| own.cancels) {
                self.thinking.runs.forget(started.id);
                self.guard.give_up(&started.call);
                out.push(Command::CancelTool { run: started.id });
                self.note_unanswered(&started, ToolStatus::Cancelled, out);
            }
        }
    }

    /// The call ends: so do the tools that run.
    pub(super) fn end_tools(&mut self, out: &mut Vec<Command>) {
        self.keying.clear();
        for started in self.thinking.runs.end() {
            self.note_unanswered(&started, ToolStatus::Unfinished, out);
        }
    }

    /// What the caller hears when a tool takes a while: the tool's own phrase, or the bot's. Nothing where keys are pressed.
    pub(super) fn hold_phrase(&self) -> String {
        if !self.keying.is_empty() {
            return String::new();
        }
        let own = |name: &str| self.rules.own_tools.get(name).map(|own| own.filler.clone());
        let filler = self.thinking.runs.waited_for().filter_map(own).find(|filler| !filler.is_empty());
        filler.unwrap_or_else(|| self.rules.phrases.hold.clone())
    }

    fn note_unanswered(&mut self, started: &Started, status: ToolStatus, out: &mut Vec<Command>) {
        self.note_run(started, &ToolAnswer { status, code: None, result: Value::Null }, out);
    }

    fn note_run(&mut self, Started { call, at, .. }: &Started, answer: &ToolAnswer, out: &mut Vec<Command>) {
        let took = ms(self.now.saturating_sub(*at));
        let (input, output) = (self.shown(&call.arguments), self.shown(&answer.result));
        let mut data = object(json!({
            "tool": call.name, "input": input, "output": output, "status": answer.status, "duration_ms": took,
        }));
        if let Some(code) = answer.code {
            data.insert("http_status".into(), code.into());
        }
        self.report.event_with(self.now, EventKind::ToolCalled, (call.name.clone(), data), out);
    }

    /// What the record has of a call's arguments or of its answer: all of it, or the beginning of its text.
    pub(super) fn shown(&mut self, value: &Value) -> Value {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let shown = match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{}{LEFT_OUT}", &text[..end]).into(),
            None => value.clone(),
        };
        let size = shown.to_string().len();
        if self.shown_bytes + size > SHOWN_BYTES {
            return LEFT_OUT.into();
        }
        self.shown_bytes += size;
        shown
    }
}
