//! What lines cost that ring: five hundred at once, and as many new ones in a second as end (figure 9 of the dialler).

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use vox_testkit::exchange::callees::Law;
use vox_testkit::exchange::journal::{Line, What};

use super::broken::begin;
use super::stage::Stage;
use super::{DiallerError, Plan};
use crate::process;

const LOOK: Duration = Duration::from_millis(250);
/// Lines that ring, and for how long nobody answers them: 6.7 new ones in a second.
const LINES: usize = 500;
const RINGS_SECS: u32 = 75;
const CPS: u32 = 7;
/// A line that has ended may not have been followed yet by the next one.
const ENOUGH: usize = LINES - 25;
/// More than ring: a worker that comes from a call is free a moment later.
const WORKERS: u32 = 540;
const MEASURED: Duration = Duration::from_secs(60);
/// Until so many ring.
const PATIENCE: Duration = Duration::from_secs(150);
const CONTACTS: u32 = 1_800;
/// Of a core, per cent; new calls in a second.
const MOST_CPU: f64 = 5.0;
const LEAST_RATE: f64 = 5.0;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Ringing {
    pub seed: u64,
    /// Lines that rang at the beginning and at the end.
    pub lines: (usize, usize),
    pub invites_per_second: f64,
    /// Of the dialler, per cent of a core.
    pub cpu: f64,
    pub dialler_bytes: u64,
}

impl Ringing {
    pub fn is_in_order(&self) -> bool {
        self.lines.0.min(self.lines.1) >= ENOUGH
            && self.invites_per_second >= LEAST_RATE
            && self.cpu <= MOST_CPU
    }
}

impl fmt::Display for Ringing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        let (first, last) = self.lines;
        writeln!(f, "  9   lines that ring, at the beginning and 60 s later              {first}, {last}")?;
        writeln!(
            f,
            "  9   new calls in a second                                         {:.1}",
            self.invites_per_second
        )?;
        let mib = self.dialler_bytes as f64 / (1024.0 * 1024.0);
        writeln!(
            f,
            "  9   processor of the dialler, % of a core; MiB                    {:.1}; {mib:.0}",
            self.cpu
        )
    }
}

/// Let five hundred lines ring, and look for a minute.
///
/// # Errors
/// When a program does not start, or so many lines never ring.
pub async fn run(plan: Plan) -> Result<Ringing, DiallerError> {
    let plan = Plan {
        contacts: CONTACTS,
        diallers: 1,
        workers: WORKERS,
        speed: 1.0,
        law: Law::nobody(),
        ring_secs: RINGS_SECS,
        faults: 0.0,
        cps: CPS,
        channels: u32::try_from(LINES).unwrap_or(u32::MAX),
        ..plan
    };
    let (stage, _campaign) = begin(&plan).await?;
    let until = Instant::now() + PATIENCE;
    while ringing(&stage) < ENOUGH {
        if Instant::now() > until {
            return Err(DiallerError::Late(format!(
                "{ENOUGH} lines that ring; there are {}",
                ringing(&stage)
            )));
        }
        sleep(LOOK).await;
    }
    let pid = stage.diallers.first().and_then(|dialler| dialler.pid()).unwrap_or_default();
    let cpu = || process::cpu_time(pid).unwrap_or_default();
    let (began, cpu_before, invites_before, first) =
        (Instant::now(), cpu(), invites(&stage), ringing(&stage));
    sleep(MEASURED).await;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Ringing {
        seed: plan.seed,
        lines: (first, ringing(&stage)),
        invites_per_second: (invites(&stage) - invites_before) as f64 / seconds,
        cpu: (cpu() - cpu_before).as_secs_f64() / seconds * 100.0,
        dialler_bytes: process::memory(pid).map_or(0, |memory| memory.private),
    })
}

fn invites(stage: &Stage) -> usize {
    let is_invite = |line: &&Line| matches!(line.what, What::Invite { .. });
    stage.exchange.journal().lines().iter().filter(is_invite).count()
}

/// INVITEs whose calls have not ended; nobody answers.
fn ringing(stage: &Stage) -> usize {
    let is_end = |line: &&Line| matches!(line.what, What::Ended { .. });
    let ended = stage.exchange.journal().lines().iter().filter(is_end).count();
    invites(stage).saturating_sub(ended)
}
