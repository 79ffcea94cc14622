//! Tools under way: at most three at once, results in the order of the calls, and those that come when nobody waits any more.

use std::time::Duration;

use serde_json::Value;

use crate::provider::llm::ToolCall;
use crate::session::event::{ToolAnswer, ToolRunId, ToolStatus};

/// Tools that run at the same time, those that no reply waits for any more among them.
const AT_ONCE: usize = 3;
/// A tool that has not answered after this has failed.
pub const LONGEST_RUN: Duration = Duration::from_secs(20);
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// The reply that wanted it was cancelled, or went on without it.
    pub late: Option<(ToolCall, Value)>,
    /// Calls that can be made now.
    pub started: Vec<(ToolRunId, ToolCall)>,
}

/// What a reply's tools answered, in the order of its calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    pub of: Vec<(ToolCall, Value)>,
    /// Each was made, and did what it should.
    pub all_well: bool,
}

/// A tool that was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    pub id: ToolRunId,
    pub call: ToolCall,
    pub at: Duration,
}

/// What becomes of a reply's tools when nobody waits for it any more.
#[derive(Debug, Default)]
pub struct Left {
    /// They have answered, and the model was not told yet.
    pub done: Vec<(ToolCall, Value)>,
    pub running: Vec<Started>,
    /// They waited for others.
    pub not_begun: Vec<ToolCall>,
}

#[derive(Clone, Debug)]
struct Run {
    id: ToolRunId,
    call: ToolCall,
    /// When it was begun; `None` of one that waits for others, or needs none.
    began: Option<Duration>,
    result: Option<Value>,
    went_well: bool,
}

impl Run {
    fn waits(&self) -> bool {
        self.began.is_none() && self.result.is_none()
    }

    fn is_running(&self) -> bool {
        self.began.is_some() && self.result.is_none()
    }

    fn started(&self) -> Option<Started> {
        Some(Started { id: self.id, call: self.call.clone(), at: self.began? })
    }
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
    pub fn begin(&mut self, calls: Vec<(ToolCall, Waits)>, now: Duration) -> Vec<(ToolRunId, ToolCall)> {
        for (call, waits) in calls {
            self.newest += 1;
            let result = match waits {
                Waits::ForTool => None,
                Waits::Not(result) => Some(result),
            };
            self.runs.push(Run { id: self.newest, call, began: None, result, went_well: false });
        }
        self.start(now)
    }

    /// One answered.
    pub fn done(&mut self, id: ToolRunId, answer: ToolAnswer, now: Duration) -> Answered {
        let ToolAnswer { status, result, .. } = answer;
        if let Some(at) = self.left.iter().position(|r| r.id == id) {
            let call = self.left.remove(at).call;
            return Answered { late: Some((call, result)), started: self.start(now) };
        }
        if let Some(run) = self.runs.iter_mut().find(|r| r.id == id && r.result.is_none()) {
            (run.result, run.went_well) = (Some(result), status == ToolStatus::Ok);
        }
        Answered { late: None, started: self.start(now) }
    }

    /// A run that has not answered, be it waited for or not.
    pub fn find_running(&self, id: ToolRunId) -> Option<Started> {
        self.all_running().find(|r| r.id == id).and_then(Run::started)
    }

    /// Whether such a run has not answered.
    pub fn is_running(&self, name: &str, arguments: &Value) -> bool {
        self.all_running().any(|r| r.call.name == name && r.call.arguments == *arguments)
    }

    /// The tools that the reply waits for.
    pub fn waited_for(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter(|r| r.is_running()).map(|r| r.call.name.as_str())
    }

    fn all_running(&self) -> impl Iterator<Item = &Run> {
        self.left.iter().chain(&self.runs).filter(|r| r.is_running())
    }

    /// Nobody waits for them any more.
    pub fn leave(&mut self) -> Left {
        let running = self.leave_running();
        let mut left = Left { running, ..Left::default() };
        for run in self.runs.drain(..) {
            match run.result {
                Some(result) if run.began.is_some() => left.done.push((run.call, result)),
                None if run.began.is_none() => left.not_begun.push(run.call),
                // It was refused, or is left running.
                Some(_) | None => {}
            }
        }
        left
    }

    /// Nothing more is wanted of a run that was left.
    pub fn forget(&mut self, id: ToolRunId) {
        self.left.retain(|r| r.id != id);
    }

    /// All that has not answered: nobody will hear of it.
    pub fn end(&mut self) -> Vec<Started> {
        let running = self.all_running().filter_map(Run::started).collect();
        (self.left, self.runs) = (Vec::new(), Vec::new());
        running
    }

    /// What has not answered by now has failed for this reply: the calls that were never begun.
    pub fn give_up(&mut self) -> Vec<ToolCall> {
        self.leave_running();
        let mut not_begun = Vec::new();
        for run in self.runs.iter_mut().filter(|r| r.result.is_none()) {
            let is_started = run.began.is_some();
            run.result = Some(Value::from(if is_started { NO_ANSWER } else { NOT_STARTED }));
            if !is_started {
                not_begun.push(run.call.clone());
            }
        }
        not_begun
    }

    /// No more than are begun at once: what waits is not begun before one of them has answered or is forgotten.
    fn leave_running(&mut self) -> Vec<Started> {
        let running: Vec<Run> = self.runs.iter().filter(|r| r.is_running()).cloned().collect();
        let started = running.iter().filter_map(Run::started).collect();
        self.left.extend(running);
        started
    }

    /// All results, once they are complete.
    pub fn results(&mut self) -> Option<Results> {
        if self.runs.is_empty() || self.runs.iter().any(|r| r.result.is_none()) {
            return None;
        }
        let runs = std::mem::take(&mut self.runs);
        let all_well = runs.iter().all(|r| r.went_well);
        Some(Results { of: runs.into_iter().filter_map(|r| Some((r.call, r.result?))).collect(), all_well })
    }

    fn start(&mut self, now: Duration) -> Vec<(ToolRunId, ToolCall)> {
        let free = AT_ONCE.saturating_sub(self.all_running().count());
        let waiting = self.runs.iter_mut().filter(|r| r.waits()).take(free);
        waiting
            .map(|run| {
                run.began = Some(now);
                (run.id, run.call.clone())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "look_up".into(), arguments: json!({}) }
    }

    fn late(id: &str, result: Value) -> Answered {
        Answered { late: Some((call(id), result)), started: Vec::new() }
    }

    #[test]
    fn three_run_at_once_and_results_keep_the_order_of_the_calls() {
        let mut runs = ToolRuns::default();
        let calls = ["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec();
        let started = runs.begin(calls, NOW);
        assert_eq!(started.len(), 3);
        let more = runs.done(started[2].0, json!(3).into(), NOW).started;
        assert_eq!(more.len(), 1);
        for (id, result) in [(more[0].0, 4), (started[1].0, 2), (started[0].0, 1)] {
            assert!(runs.results().is_none());
            assert_eq!(runs.done(id, json!(result).into(), NOW), Answered::default());
        }
        let results = runs.results().unwrap();
        assert!(results.all_well);
        let results: Vec<Value> = results.of.into_iter().map(|(_, r)| r).collect();
        assert_eq!(results, [json!(1), json!(2), json!(3), json!(4)]);
    }

    #[test]
    fn a_result_that_nobody_waits_for_is_kept() {
        let mut runs = ToolRuns::default();
        let started =
            runs.begin(vec![(call("a"), Waits::ForTool), (call("b"), Waits::Not(json!("no")))], NOW);
        assert!(runs.leave().done.is_empty(), "what was never run has no result");
        assert!(runs.results().is_none());
        assert_eq!(runs.done(started[0].0, json!(5).into(), NOW), late("a", json!(5)));
    }

    #[test]
    fn what_has_answered_when_nobody_waits_any_more_is_told_and_what_runs_can_be_forgotten() {
        let mut runs = ToolRuns::default();
        let started = runs.begin(["a", "b"].map(|id| (call(id), Waits::ForTool)).to_vec(), NOW);
        assert!(runs.is_running("look_up", &json!({})) && !runs.is_running("look_up", &json!({"x": 1})));
        runs.done(started[0].0, json!(1).into(), NOW);
        assert_eq!(runs.waited_for().count(), 1);
        let left = runs.leave();
        assert_eq!(left.done, [(call("a"), json!(1))]);
        assert_eq!(left.running, [Started { id: started[1].0, call: call("b"), at: NOW }]);
        runs.forget(started[1].0);
        assert_eq!((runs.find_running(started[1].0), runs.end()), (None, Vec::new()));
        assert_eq!(runs.done(started[1].0, json!(2).into(), NOW), Answered::default());
    }

    #[test]
    fn runs_that_nobody_waits_for_take_places_until_they_have_answered() {
        let mut runs = ToolRuns::default();
        let five = ["a", "b", "c", "d", "e"];
        let first = runs.begin(five.map(|id| (call(id), Waits::ForTool)).to_vec(), NOW);
        let left = runs.leave();
        assert_eq!((left.running.len(), left.not_begun), (3, vec![call("d"), call("e")]));
        assert!(runs.begin(vec![(call("f"), Waits::ForTool), (call("g"), Waits::ForTool)], NOW).is_empty());
        let answered = runs.done(first[0].0, json!(1).into(), NOW);
        assert_eq!((answered.late, answered.started.len()), (Some((call("a"), json!(1))), 1));
        assert_eq!(runs.give_up(), [call("g")], "what was never begun is named");
        assert_eq!(runs.results().map(|results| results.all_well), Some(false));
    }

    #[test]
    fn a_run_that_was_given_up_may_still_answer_and_one_that_never_began_is_not_blamed() {
        let mut runs = ToolRuns::default();
        let started = runs.begin(["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec(), NOW);
        runs.done(started[1].0, json!(2).into(), NOW);
        assert!(runs.give_up().is_empty());
        let told: Vec<Value> = runs.results().unwrap().of.into_iter().map(|(_, r)| r).collect();
        // The fourth began when the second was done.
        assert_eq!(told, [json!(NO_ANSWER), json!(2), json!(NO_ANSWER), json!(NO_ANSWER)]);
        assert_eq!(runs.done(started[0].0, json!(1).into(), NOW), late("a", json!(1)));
        assert_eq!(runs.done(started[0].0, json!(1).into(), NOW), Answered::default(), "once");
        runs.begin(["a", "b", "c", "d"].map(|id| (call(id), Waits::ForTool)).to_vec(), NOW);
        runs.give_up();
        assert_eq!(runs.results().unwrap().of[3].1, json!(NOT_STARTED));
    }
}
