//! One dialler dies in the middle of its calls and another takes over; that one is told to end and a third goes on. Nobody who speaks may
//! notice (figures 6, 7 and 46 of the dialler).

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use vox_shared::clock::Clock;
use vox_testkit::exchange::callees::Law;
use vox_testkit::exchange::checker::{Rules, check};
use vox_testkit::exchange::journal::{How, Line, What};

use super::stage::Stage;
use super::{DiallerError, Plan, people, prepare};

const LOOK: Duration = Duration::from_millis(20);
/// Calls that are spoken in when the first one is killed.
const LIVE: usize = 20;
const CPS: u32 = 2;
/// A third of them is kept for whoever calls in.
const WORKERS: u32 = 60;
/// For what must come to happen at all.
const PATIENCE: Duration = Duration::from_secs(120);
/// From SIGTERM on nobody is dialled so late, microseconds.
const GRACE_US: i64 = 100_000;
/// For a dialler that was told to end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    pub seed: u64,
    /// Calls that were spoken in when the first dialler was killed, and those of them that we ended.
    pub live: usize,
    pub cut: usize,
    /// From the kill to the next INVITE; the second dialler was started at once.
    pub takeover_ms: i64,
    /// INVITEs 100 ms and more after the second one was told to end, before the third was there.
    pub after_term: usize,
    /// How long it took to end, and whether it did by itself.
    pub ended_ms: u128,
    pub ended_by_itself: bool,
    /// From the third one's start to its first INVITE: without released leases it is 15 s and more.
    pub released_ms: i64,
    /// Whatever the checker found.
    pub faults: Vec<String>,
}

impl Handover {
    pub fn is_in_order(&self) -> bool {
        self.faults.is_empty()
            && self.cut == 0
            && self.after_term == 0
            && self.takeover_ms <= 20_000
            && self.released_ms <= 10_000
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "  6   from the kill of a dialler to the next INVITE             {} ms",
            self.takeover_ms
        )?;
        writeln!(
            f,
            "  7   calls that were spoken in then, and cut by us             {}, {}",
            self.live, self.cut
        )?;
        writeln!(f, "  46  INVITEs 100 ms and more after SIGTERM                     {}", self.after_term)?;
        let how = if self.ended_by_itself { "" } else { ", by force" };
        writeln!(f, "  46  from SIGTERM to the end{how:<34} {} ms", self.ended_ms)?;
        writeln!(
            f,
            "  46  from the next dialler's start to its first INVITE         {} ms",
            self.released_ms
        )?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "WRONG: {fault}"))
    }
}

/// Make the three of them work one after the other.
///
/// # Errors
/// When a program does not start, or what must come does not.
pub async fn run(plan: Plan) -> Result<Handover, DiallerError> {
    // People who talk long and hang up by themselves: whoever else ends a call cuts it.
    let law = Law { human: 1.0, hang_up: 1.0, talk_ms: 300_000.0, human_ring_ms: 3_000.0, ..Law::nobody() };
    // So slowly that there are workers free when the first dialler dies: who takes over could not dial without one.
    let plan = Plan { diallers: 1, law, faults: 0.0, cps: CPS, workers: plan.workers.max(WORKERS), ..plan };
    let mut stage = Stage::set(&plan).await?;
    let people = people::numbers(plan.contacts, Clock::system().now().as_second());
    let campaign = prepare(&stage, &plan, people).await?;
    stage.api.tell(&campaign, "start").await?;
    until(&stage, "calls that are spoken in", |lines| live(lines).len() >= LIVE).await?;

    let (killed_us, were_live) = (now_us(), live(&stage.exchange.journal().lines()));
    stage.diallers[0].kill().await;
    stage.add_dialler().await?;
    let next_us = next_invite(&stage, killed_us).await?;

    let told_us = now_us();
    let told = Instant::now();
    let ended_by_itself = stage.diallers[1].stop(ENDS_WITHIN).await;
    let ended_ms = told.elapsed().as_millis();
    let after_term = invites(&stage.exchange.journal().lines(), told_us + GRACE_US).len();
    let started_us = now_us();
    stage.add_dialler().await?;
    let released_us = next_invite(&stage, started_us).await?;

    // Whoever was spoken with at the kill has hung up by then.
    until(&stage, "the end of those calls", |lines| live(lines).is_disjoint(&were_live)).await?;
    let lines = stage.exchange.journal().lines();
    let is_cut = |line: &&Line| match &line.what {
        // The longest call may be over meanwhile, which is nobody's fault.
        What::Ended { call, how, .. } => were_live.contains(call) && *how == How::HungUp,
        _ => false,
    };
    let mut report = check(&lines, &Rules::default(), None);
    // The campaign goes on: calls that have not ended are no fault.
    report.endless = Default::default();
    Ok(Handover {
        seed: plan.seed,
        live: were_live.len(),
        cut: lines.iter().filter(is_cut).count(),
        takeover_ms: (next_us - killed_us) / 1_000,
        after_term,
        ended_ms,
        ended_by_itself,
        released_ms: (released_us - started_us) / 1_000,
        faults: report.faults(),
    })
}

fn now_us() -> i64 {
    Clock::system().now().as_microsecond()
}

/// Calls that were answered and have not ended.
fn live(lines: &[Line]) -> BTreeSet<String> {
    let mut live = BTreeSet::new();
    for line in lines {
        match &line.what {
            What::Answered { call, .. } => {
                live.insert(call.clone());
            }
            What::Ended { call, .. } => {
                live.remove(call);
            }
            _ => {}
        }
    }
    live
}

/// When INVITEs went out from then on.
fn invites(lines: &[Line], from_us: i64) -> Vec<i64> {
    let is_invite = |line: &&Line| matches!(line.what, What::Invite { .. }) && line.at_us >= from_us;
    lines.iter().filter(is_invite).map(|line| line.at_us).collect()
}

async fn next_invite(stage: &Stage, from_us: i64) -> Result<i64, DiallerError> {
    until(stage, "the next INVITE", |lines| !invites(lines, from_us).is_empty()).await?;
    let found = invites(&stage.exchange.journal().lines(), from_us);
    found.first().copied().ok_or_else(|| DiallerError::Late("the next INVITE".into()))
}

async fn until(stage: &Stage, what: &str, is_there: impl Fn(&[Line]) -> bool) -> Result<(), DiallerError> {
    let late = Instant::now() + PATIENCE;
    while !is_there(&stage.exchange.journal().lines()) {
        if Instant::now() > late {
            return Err(DiallerError::Late(what.to_owned()));
        }
        sleep(LOOK).await;
    }
    Ok(())
}
