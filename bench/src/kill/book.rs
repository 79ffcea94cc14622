//! The books: what callers were told, who was killed when, and what the bridge holds in the end.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use vox_caller::End;

use super::Plan;

/// Faults that are described; the rest is counted.
const MAX_EXAMPLES: usize = 20;
/// A worker has written a call's record down within this after its end; what vendors still say is part of it.
const WRITES_WITHIN: Duration = Duration::from_secs(3);
const WORKER_LOST: &str = "worker_lost";

/// A call as its caller saw it.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) caller: String,
    pub(super) worker: usize,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    /// The caller was told that the call is on: by `ready`, or by the bot's voice.
    pub(super) is_accepted: bool,
    pub(super) session_id: Option<String>,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Worker(usize),
    Bridge,
}

/// Where in a call the kill falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// It is set up.
    Begins,
    MidCall,
    /// Its caller has hung up, and its record is about to be delivered.
    Ends,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    pub(super) victim: Victim,
    pub(super) moment: Moment,
    pub(super) at: Instant,
}

/// A call in the bridge's list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Held {
    pub(super) session_id: String,
    pub(super) caller_id: Option<String>,
    pub(super) completed_at: Option<String>,
    pub(super) disconnected_by: Option<String>,
    pub(super) has_recording: bool,
}

#[derive(Default)]
struct Pages {
    facts: Vec<Fact>,
    kills: Vec<Kill>,
}

/// Everything noted. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

/// Who was killed, how often.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Kills {
    pub worker_in_mid_call: usize,
    pub worker_as_calls_begin_and_end: usize,
    pub bridge_in_mid_call: usize,
    pub bridge_before_delivery: usize,
}

/// What the books say.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub seed: u64,
    pub rounds: u32,
    pub seconds: f64,
    pub kills: Kills,
    /// Sockets that were opened.
    pub calls_placed: usize,
    /// Calls whose caller was told that they are on.
    pub calls_accepted: usize,
    /// Accepted calls that were on when their worker was killed.
    pub calls_killed: usize,
    /// Accepted calls with a terminal record.
    pub recorded: usize,
    /// Records closed by whoever adopted a dead worker's journal.
    pub worker_lost: usize,
    pub with_recording: usize,
    /// Accepted calls without a terminal record. Must be 0.
    pub lost: usize,
    /// Accepted calls with more than one record. Must be 0.
    pub doubled: usize,
    /// Accepted calls that broke off or were closed as lost although their worker lived. Must be 0.
    pub disturbed: usize,
    /// Calls that were killed and whose record says otherwise. Must be 0.
    pub contradicted: usize,
    /// Calls that were never accepted and have no end: the worker died before it had written down that they began.
    pub abandoned: usize,
    /// What is wrong, in words.
    pub examples: Vec<String>,
}

impl Book {
    pub(super) fn called(&self, fact: Fact) {
        self.lock().facts.push(fact);
    }

    pub(super) fn killed(&self, kill: Kill) {
        self.lock().kills.push(kill);
    }

    /// Accepted calls that have no terminal record yet.
    pub(super) fn missing(&self, held: &[Held]) -> usize {
        let ended: HashMap<&str, bool> =
            by_caller(held).into_iter().map(|(who, all)| (who, is_ended(&all))).collect();
        let pages = self.lock();
        pages
            .facts
            .iter()
            .filter(|f| f.is_accepted && !ended.get(f.caller.as_str()).copied().unwrap_or(false))
            .count()
    }

    pub(super) fn sum_up(&self, plan: &Plan, held: &[Held], lasted: Duration) -> Summary {
        let pages = self.lock();
        let count = |wanted: fn(&Kill) -> bool| pages.kills.iter().filter(|kill| wanted(kill)).count();
        let mut summary = Summary {
            seed: plan.seed,
            rounds: plan.rounds,
            seconds: lasted.as_secs_f64(),
            kills: Kills {
                worker_in_mid_call: count(|k| k.victim != Victim::Bridge && k.moment == Moment::MidCall),
                worker_as_calls_begin_and_end: count(|k| {
                    k.victim != Victim::Bridge && k.moment != Moment::MidCall
                }),
                bridge_in_mid_call: count(|k| k.victim == Victim::Bridge && k.moment == Moment::MidCall),
                bridge_before_delivery: count(|k| k.victim == Victim::Bridge && k.moment != Moment::MidCall),
            },
            calls_placed: pages.facts.len(),
            calls_accepted: 0,
            calls_killed: 0,
            recorded: 0,
            worker_lost: 0,
            with_recording: 0,
            lost: 0,
            doubled: 0,
            disturbed: 0,
            contradicted: 0,
            abandoned: 0,
            examples: Vec::new(),
        };
        let mut records = by_caller(held);
        for fact in pages.facts.iter().filter(|fact| fact.is_accepted) {
            let found = records.remove(fact.caller.as_str()).unwrap_or_default();
            summary.judge(fact, fate(fact, &pages.kills), &found);
        }
        summary.abandoned = records.values().filter(|all| !is_ended(all)).count();
        summary
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_caller(held: &[Held]) -> HashMap<&str, Vec<&Held>> {
    let mut all: HashMap<&str, Vec<&Held>> = HashMap::new();
    for call in held {
        all.entry(call.caller_id.as_deref().unwrap_or_default()).or_default().push(call);
    }
    all
}

fn is_ended(records: &[&Held]) -> bool {
    records.iter().any(|record| record.completed_at.is_some())
}

/// What the killing of its worker had to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its worker lived.
    Spared,
    Killed,
    /// The caller had hung up, but the worker may not have written that down yet.
    KilledAfterwards,
}

fn fate(fact: &Fact, kills: &[Kill]) -> Fate {
    let mut fate = Fate::Spared;
    for kill in
        kills.iter().filter(|kill| kill.victim == Victim::Worker(fact.worker) && kill.at >= fact.began)
    {
        if kill.at <= fact.ended {
            return Fate::Killed;
        }
        if kill.at <= fact.ended + WRITES_WITHIN {
            fate = Fate::KilledAfterwards;
        }
    }
    fate
}

impl Summary {
    /// One terminal record per accepted call, none lost, none doubled, nobody disturbed.
    pub fn is_in_order(&self) -> bool {
        self.calls_accepted > 0 && self.lost + self.doubled + self.disturbed + self.contradicted == 0
    }

    fn judge(&mut self, fact: &Fact, fate: Fate, found: &[&Held]) {
        self.calls_accepted += 1;
        self.calls_killed += usize::from(fate == Fate::Killed);
        self.recorded += usize::from(is_ended(found));
        self.with_recording += usize::from(found.iter().any(|record| record.has_recording));
        let is_lost = |record: &&Held| record.disconnected_by.as_deref() == Some(WORKER_LOST);
        let closed_as_lost = found.iter().any(is_lost);
        self.worker_lost += usize::from(closed_as_lost);
        let other_id = |record: &&Held| fact.session_id.as_ref().is_some_and(|id| *id != record.session_id);
        if !is_ended(found) {
            self.lost += 1;
            self.example("no terminal record", fact, found);
        } else if found.len() > 1 || found.iter().any(other_id) {
            self.doubled += 1;
            self.example("more than one record", fact, found);
        } else if (fate != Fate::Killed && !fact.end.is_regular()) || (fate == Fate::Spared && closed_as_lost)
        {
            self.disturbed += 1;
            self.example("its worker lived", fact, found);
        } else if fate == Fate::Killed && !fact.end.is_regular() && !closed_as_lost {
            self.contradicted += 1;
            self.example("its worker was killed", fact, found);
        }
    }

    fn example(&mut self, what: &str, fact: &Fact, found: &[&Held]) {
        if self.examples.len() < MAX_EXAMPLES {
            let Fact { caller, worker, end, .. } = fact;
            self.examples
                .push(format!("{what}: call {caller} at worker {worker} ended {end:?}; records {found:?}"));
        }
    }
}

impl fmt::Display for Summary {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kills { worker_in_mid_call, worker_as_calls_begin_and_end, .. } = self.kills;
        writeln!(f, "{} kills in {:.0} s, seed {}", self.rounds, self.seconds, self.seed)?;
        writeln!(
            f,
            "killed      a worker: {worker_in_mid_call} x in mid-call, {worker_as_calls_begin_and_end} x as a call \
             begins or ends\n            the bridge: {} x in mid-call, {} x before a delivery",
            self.kills.bridge_in_mid_call, self.kills.bridge_before_delivery
        )?;
        writeln!(
            f,
            "calls       {} placed, {} accepted, {} of them killed",
            self.calls_placed, self.calls_accepted, self.calls_killed
        )?;
        writeln!(
            f,
            "records     {} terminal ({} closed as {WORKER_LOST}), {} with a recording",
            self.recorded, self.worker_lost, self.with_recording
        )?;
        writeln!(
            f,
            "wrong       {} lost, {} doubled, {} disturbed on a living worker, {} contradicted",
            self.lost, self.doubled, self.disturbed, self.contradicted
        )?;
        writeln!(f, "abandoned   {} that no caller had been told of", self.abandoned)?;
        for example in &self.examples {
            writeln!(f, "            {example}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vox_caller::EndedBy;

    use super::*;

    const MID: Duration = Duration::from_secs(1);

    fn check(end: EndedBy, victim: Option<Victim>, records: &[(&str, Option<&str>)], wrong: [usize; 4]) {
        let (book, began) = (Book::default(), Instant::now());
        let end = End { by: end, at_ms: 0.0, close_code: None, reason: String::new() };
        book.called(Fact {
            caller: "+1".into(),
            worker: 0,
            began,
            ended: began + 2 * MID,
            is_accepted: true,
            session_id: Some("call_1".into()),
            end,
        });
        if let Some(victim) = victim {
            book.killed(Kill { victim, moment: Moment::MidCall, at: began + MID });
        }
        let held = |(id, by): &(&str, Option<&str>)| Held {
            session_id: (*id).into(),
            caller_id: Some("+1".into()),
            completed_at: by.map(|_| "then".into()),
            disconnected_by: by.map(str::to_owned),
            has_recording: true,
        };
        let held: Vec<Held> = records.iter().map(held).collect();
        let plan = Plan { rounds: 1, seed: 1, bin_dir: "bin".into(), models_dir: "models".into() };
        let summary = book.sum_up(&plan, &held, MID);
        let found = [summary.lost, summary.doubled, summary.disturbed, summary.contradicted];
        assert_eq!(found, wrong, "{summary}");
        assert_eq!(summary.is_in_order(), wrong == [0; 4]);
        assert_eq!(book.missing(&held) > 0, wrong[0] > 0);
    }

    #[test]
    fn every_wrong_book_is_found_out() {
        let (own, other) = (Some(Victim::Worker(0)), Some(Victim::Worker(1)));
        let lost = [("call_1", Some(WORKER_LOST))];
        check(EndedBy::Caller, None, &[("call_1", Some("customer"))], [0; 4]);
        check(EndedBy::Lost, own, &lost, [0; 4]);
        check(EndedBy::Caller, Some(Victim::Bridge), &[("call_1", Some("customer"))], [0; 4]);
        check(EndedBy::Caller, None, &[], [1, 0, 0, 0]);
        check(EndedBy::Caller, None, &[("call_1", None)], [1, 0, 0, 0]);
        check(EndedBy::Caller, None, &[("call_1", Some("customer")), ("call_2", None)], [0, 1, 0, 0]);
        check(EndedBy::Caller, None, &[("call_2", Some("customer"))], [0, 1, 0, 0]);
        check(EndedBy::Lost, other, &lost, [0, 0, 1, 0]);
        check(EndedBy::Caller, other, &lost, [0, 0, 1, 0]);
        check(EndedBy::Lost, own, &[("call_1", Some("customer"))], [0, 0, 0, 1]);
    }
}
