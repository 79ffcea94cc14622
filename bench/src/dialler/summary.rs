//! What was found, in figures.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use vox_testkit::exchange::checker::Report;
use vox_testkit::exchange::crew::CrewCounts;

use super::Done;

/// So many differences of figures are told one by one.
const MOST_TOLD: usize = 20;

/// Of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub seed: u64,
    pub contacts: u32,
    pub attempts: usize,
    pub report: Report,
    /// Where figures of the API are not what its attempts, its contacts and the carrier's journal come to, in words.
    pub differences: Vec<String>,
    pub done: Done,
    /// What was asked of the carrier, by method.
    pub requests: BTreeMap<String, u64>,
    /// Rooms and calls that were left at the end.
    pub left: (usize, usize),
    pub workers: CrewCounts,
    /// Attempts that the API calls lost and whose INVITE never went out: whoever was to send it died in between, and nobody is rung again
    /// for a call that he may have had.
    pub lost_unrung: usize,
    /// Programs were killed or stood still, or requests went astray: without it nobody may be lost.
    pub may_lose: bool,
    /// From the grant of a dial until its INVITE is at the carrier, milliseconds: of 99 in 100 at most.
    pub granted_to_invite_p99_ms: f64,
    /// From the start to the campaign's end.
    pub lasted: Duration,
    /// Everything, the start of the programs too.
    pub whole: Duration,
    /// Of the diallers that ran at the end, together.
    pub dialler_cpu: Duration,
    /// Of the largest of them.
    pub dialler_bytes: Option<u64>,
}

impl Summary {
    /// What may not be and is, in words.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.report.faults();
        faults.extend(self.differences.iter().take(MOST_TOLD).cloned());
        if let Some(more) = self.differences.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            faults.push(format!("{more} more figures of the API are not what they come to"));
        }
        if self.left != (0, 0) {
            let (rooms, calls) = self.left;
            faults.push(format!("{rooms} rooms and {calls} calls are left at the carrier"));
        }
        if self.workers.busy > 0 {
            faults.push(format!("{} workers are still busy", self.workers.busy));
        }
        if let Some(why) = &self.workers.first_rejection {
            faults.push(format!("{} results of calls were refused: {why}", self.workers.rejected));
        }
        // Whoever came onto the list may have been rung before; and where nothing dies on the way, nobody is lost.
        let lost = if self.may_lose { self.lost_unrung } else { 0 };
        let spared = usize::try_from(self.done.opt_outs).unwrap_or(usize::MAX).saturating_add(lost);
        let wanted = usize::try_from(self.contacts).unwrap_or(usize::MAX).saturating_sub(spared);
        if self.report.numbers < wanted {
            faults.push(format!("only {} of {} people were rung", self.report.numbers, self.contacts));
        }
        faults
    }

    pub fn is_in_order(&self) -> bool {
        self.faults().is_empty()
    }

    /// Requests of the carrier for one attempt.
    fn per_attempt(&self, method: &str) -> f64 {
        let asked = self.requests.get(method).copied().unwrap_or_default();
        asked as f64 / self.attempts.max(1) as f64
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, done) = (&self.report, &self.done);
        let seconds = self.lasted.as_secs_f64();
        writeln!(
            f,
            "seed {}: {} contacts, {} attempts, {} INVITEs, {} answered, {seconds:.1} s",
            self.seed, self.contacts, self.attempts, report.invites, report.answered
        )?;
        writeln!(
            f,
            "trouble: {} kills and {} freezes of diallers, {} kills of the bridge, {} of MongoDB and {} of Redis, {} restarts of the \
             carrier, {} pauses, {} opt-outs",
            done.kills,
            done.freezes,
            done.bridge_kills,
            done.mongodb_kills,
            done.redis_kills,
            done.carrier_restarts,
            done.pauses,
            done.opt_outs
        )?;
        let rate = report.invites as f64 / seconds.max(0.001);
        let cpu = self.dialler_cpu.as_secs_f64() / seconds.max(0.001) * 100.0;
        let mib = self.dialler_bytes.unwrap_or_default() as f64 / (1024.0 * 1024.0);
        let row = |f: &mut fmt::Formatter<'_>, figure: &str, what: &str, value: &str| {
            writeln!(f, "  {figure:<8} {what:<58} {value}")
        };
        row(f, "1, 2, 3", "two calls to one number at once", &report.overlaps.count.to_string())?;
        row(f, "1, 2, 3", "attempts with more than one INVITE", &report.doubles.count.to_string())?;
        row(f, "4", "attempts without exactly one result", &report.without_result.count.to_string())?;
        row(f, "4", "attempts that are lost, and rang nobody", &self.lost_unrung.to_string())?;
        row(f, "4", "INVITEs that the API does not know", &report.unknown.count.to_string())?;
        row(f, "8", "INVITEs in a second, mean", &format!("{rate:.1}"))?;
        row(f, "8", "grant to INVITE, p99, ms", &format!("{:.0}", self.granted_to_invite_p99_ms))?;
        row(f, "8", "processor of the diallers, % of a core; largest, MiB", &format!("{cpu:.0}; {mib:.0}"))?;
        let before = self.per_attempt("CreateRoom") + self.per_attempt("CreateSIPParticipant");
        let looks = self.per_attempt("ListParticipants");
        row(
            f,
            "10",
            "requests to make a room and to dial, per attempt; looks",
            &format!("{before:.2}; {looks:.1}"),
        )?;
        row(
            f,
            "11",
            "INVITEs beyond the trunk's rate; most in a second",
            &format!("{}; {}", report.too_fast.count, report.most_in_a_second),
        )?;
        row(
            f,
            "12",
            "rooms, calls, busy workers left",
            &format!("{}, {}, {}", self.left.0, self.left.1, self.workers.busy),
        )?;
        row(
            f,
            "19, 20",
            "INVITEs at night, and 1 s and more after an opt-out",
            &report.barred.count.to_string(),
        )?;
        row(
            f,
            "3, 45",
            "INVITEs while a store is dead, and 1 s after a pause",
            &report.shut.count.to_string(),
        )?;
        row(
            f,
            "48",
            "figures of the API that its attempts do not come to",
            &self.differences.len().to_string(),
        )?;
        for fault in self.faults() {
            writeln!(f, "WRONG: {fault}")?;
        }
        Ok(())
    }
}
