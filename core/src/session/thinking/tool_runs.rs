//! Tools under way: at most three at once, results in the order of the calls, and those that come when nobody waits any more.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::provider::llm::ToolCall;
use crate::session::event::ToolRunId;

/// Tools that run at the same time.
const AT_ONCE: usize = 3;
/// A tool that has not answered after this has failed.
pub const LONGEST_RUN: Duration = Duration::from_secs(20);
/// Late results kept for the model, the newest.
const MAX_LATE: usize = 16;

/// Whether a call has to be made, or has its answer already.
#[derive(Clone, Debug, PartialEq)]
pub enum Waits {
    ForTool,
    Not(Value),
}

#[derive(Debug)]
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
    /// Of replies that were cancelled.
    left: Vec<Run>,
    late: VecDeque<(ToolCall, Value)>,
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

    /// One answered: those that can be made now.
    pub fn done(&mut self, id: ToolRunId, result: Value) -> Vec<(ToolRunId, ToolCall)> {
        if let Some(at) = self.left.iter().position(|r| r.id == id) {
            let run = self.left.swap_remove(at);
            if self.late.len() == MAX_LATE {
                self.late.pop_front();
            }
            self.late.push_back((run.call, result));
            return Vec::new();
        }
        if let Some(run) = self.runs.iter_mut().find(|r| r.id == id && r.result.is_none()) {
            run.result = Some(result);
        }
        self.start()
    }

    /// Nobody waits for them any more.
    pub fn leave(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        self.left.extend(runs.into_iter().filter(|r| r.started && r.result.is_none()));
        let surplus = self.left.len().saturating_sub(MAX_LATE);
        self.left.drain(..surplus);
    }

    /// What has not answered by now has failed.
    pub fn give_up(&mut self) {
        for run in self.runs.iter_mut().filter(|r| r.result.is_none()) {
            run.result = Some(Value::from("error: the tool did not answer in time"));
        }
    }

    /// All results, once they are complete.
    pub fn results(&mut self) -> Option<Vec<(ToolCall, Value)>> {
        if self.runs.is_empty() || self.runs.iter().any(|r| r.result.is_none()) {
            return None;
        }
        let runs = std::mem::take(&mut self.runs);
        Some(runs.into_iter().filter_map(|r| Some((r.call, r.result?))).collect())
    }

    /// The oldest late result.
    pub fn late(&mut self) -> Option<(ToolCall, Value)> {
        self.late.pop_front()
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
        let more = runs.done(started[2].0, json!(3));
        assert_eq!(more.len(), 1);
        for (id, result) in [(more[0].0, 4), (started[1].0, 2), (started[0].0, 1)] {
            assert!(runs.results().is_none());
            assert!(runs.done(id, json!(result)).is_empty());
        }
        let results: Vec<Value> = runs.results().unwrap().into_iter().map(|(_, r)| r).collect();
        assert_eq!(results, [json!(1), json!(2), json!(3), json!(4)]);
    }

    #[test]
    fn a_result_that_nobody_waits_for_is_kept() {
        let mut runs = ToolRuns::default();
        let started = runs.begin(vec![(call("a"), Waits::ForTool), (call("b"), Waits::Not(json!("no")))]);
        runs.leave();
        assert!(runs.results().is_none() && runs.late().is_none());
        runs.done(started[0].0, json!(5));
        assert_eq!(runs.late().unwrap().1, json!(5));
    }
}
