//! Tools under way: at most three at once, results in the order of the calls, and those that come when nobody waits any more.

use std::time::Duration;

use serde_json::Value;

use crate::provider::llm::ToolCall;
use crate::session::event::ToolRunId;

/// Tools that run at the same time.
const AT_ONCE: usize = 3;
/// A tool that has not answered after this has failed.
pub const LONGEST_RUN: Duration = Duration::from_secs(20);
/// Runs whose late results are still taken, the newest.
const MAX_LEFT: usize = 16;
/// What the model is told of a tool that has not answered, until it does.
pub const NO_ANSWER: &str = "error: the tool did not answer in time";
/// What it is told of one that had to wait for others, and was never begun.
const NOT_STARTED: &str = "error: the tool was not started, because others did not answer in time";

/// Whether a call has to be made, or has its answer already.
#[derive(Clone, Debug, PartialEq)]
pub enum Waits {
    ForTool,
    Not(Value),
}

/// What a tool's answer comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// It was waited for: calls that can be made now.
    InTime(Vec<(ToolRunId, ToolCall)>),
    /// The reply that wanted it was cancelled, or went on without it.
    Late(ToolCall, Value),
}

#[derive(Clone, Debug)]
struct Run {
    id: ToolRunId,
    call: ToolCall,
    started: bool,
    result: Option<Value>,
}

/// The tools of the reply that is being made, and those of replies before it.
#[derive(Debug, Default)]
pub struct ToolRuns {
    newest: ToolRunId,
    runs: Vec<Run>,
    /// Started, of replies that were cancelled or went on without them.
    left: Vec<Run>,
}

impl ToolRuns {
    /// These were called: those that can be made at once.
    pub fn begin(&mut self, calls: Vec<(ToolCall, Waits)>) -> Vec<(ToolRunId, ToolCall)> {
        for (call, waits) in calls {
            self.newest += 1;
            let result = match waits {
                Waits::ForTool => None,
                Waits::Not(result) => Some(result),
            };
            self.runs.push(Run { id: self.newest, call, started: result.is_some(), result });
        }
        self.start()
    }

    /// One answered.
    pub fn done(&mut self, id: ToolRunId, result: Value) -> Answered {
        if let Some(at) = self.left.iter().position(|r| r.id == id) {
            return Answered::Late(self.left.remove(at).call, result);
        }
        if let Some(run) = self.runs.iter_mut().find(|r| r.id == id && r.result.is_none()) {
            run.result = Some(result);
        }
        Answered::InTime(self.start())
    }

    /// Nobody waits for them any more.
    pub fn leave(&mut self) {
        self.leave_running();
        self.runs.clear();
    }

    /// What has not answered by now has failed for this reply.
    pub fn give_up(&mut self) {
        self.leave_running();
        for run in self.runs.iter_mut().filter(|r| r.result.is_none()) {
            run.result = Some(Value::from(if run.started { NO_ANSWER } else { NOT_STARTED }));
        }
    }

    fn leave_running(&mut self) {
        self.left.extend(self.runs.iter().filter(|r| r.started && r.result.is_none()).cloned());
        let surplus = self.left.len().saturating_sub(MAX_LEFT);
        self.left.drain(..surplus);
    }

    /// All results, once they are complete.
    pub fn results(&mut self) -> Option<Vec<(ToolCall, Value)>> {
        if self.runs.is_empty() || self.runs.iter().any(|r| r.result.is_none()) {
            return None;
        }
        let runs = std::mem::take(&mut self.runs);
        Some(runs.into_iter().filter_map(|r| Some((r.call, r.result?))).collect())
    }

    fn start(&mut self) -> Vec<(ToolRunId, ToolCall)> {
        let running = self.runs.iter().filter(|r| r.started && r.result.is_none()).count();
        let free = AT_ONCE.saturating_sub(running);
        let waiting = self.runs.iter_mut().filter(|r| !r.started).take(free);
        waiting
            .map(|run| {
                run.started = true;
                (run.id, run.call.clone())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "look_up".into(), arguments: json!({}) }
    }

    #[test]
    fn three_run_at_once_and_results_keep_the_order_of_the_calls() {
        let mut runs = ToolRuns::default();
        let calls = ["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec();
        let started = runs.begin(calls);
        assert_eq!(started.len(), 3);
        let Answered::InTime(more) = runs.done(started[2].0, json!(3)) else { panic!("it was waited for") };
        assert_eq!(more.len(), 1);
        for (id, result) in [(more[0].0, 4), (started[1].0, 2), (started[0].0, 1)] {
            assert!(runs.results().is_none());
            assert_eq!(runs.done(id, json!(result)), Answered::InTime(Vec::new()));
        }
        let results: Vec<Value> = runs.results().unwrap().into_iter().map(|(_, r)| r).collect();
        assert_eq!(results, [json!(1), json!(2), json!(3), json!(4)]);
    }

    #[test]
    fn a_result_that_nobody_waits_for_is_kept() {
        let mut runs = ToolRuns::default();
        let started = runs.begin(vec![(call("a"), Waits::ForTool), (call("b"), Waits::Not(json!("no")))]);
        runs.leave();
        assert!(runs.results().is_none());
        assert_eq!(runs.done(started[0].0, json!(5)), Answered::Late(call("a"), json!(5)));
    }

    #[test]
    fn a_run_that_was_given_up_may_still_answer_and_one_that_never_began_is_not_blamed() {
        let mut runs = ToolRuns::default();
        let started = runs.begin(["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec());
        runs.done(started[1].0, json!(2));
        runs.give_up();
        let told: Vec<Value> = runs.results().unwrap().into_iter().map(|(_, r)| r).collect();
        // The fourth began when the second was done.
        assert_eq!(told, [json!(NO_ANSWER), json!(2), json!(NO_ANSWER), json!(NO_ANSWER)]);
        assert_eq!(runs.done(started[0].0, json!(1)), Answered::Late(call("a"), json!(1)));
        assert_eq!(runs.done(started[0].0, json!(1)), Answered::InTime(Vec::new()), "once");
        runs.begin(["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec());
        runs.give_up();
        assert_eq!(runs.results().unwrap()[3].1, json!(NOT_STARTED));
    }
}
