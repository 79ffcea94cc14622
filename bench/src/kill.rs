//! Kills the platform's processes in the middle of calls and asks afterwards whether the books are in order.
//!
//! A real bridge and real workers run on scripted vendors; callers talk on every worker without a pause. At random
//! instants a worker or the bridge is killed with SIGKILL and started again. What a caller was told is a fact: a call
//! that was accepted must have exactly one terminal record at the bridge in the end, whoever died.

mod book;
mod callers;
mod platform;

use std::{path::PathBuf, time::Duration};

use thiserror::Error;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub use book::Summary;

use crate::program::ProgramError;
use book::{Book, Kill, Moment, Victim};
use callers::{Caller, Phase};
use platform::Platform;
use vox_testkit::vendor::Dice;

/// Workers with one caller each.
const WORKERS: usize = 3;
/// A call is in the wanted phase within this, or the round kills without waiting for one.
const PHASE_WITHIN: Duration = Duration::from_secs(6);
/// Longest time from the wanted phase to the kill: most of a call.
const KILL_WITHIN_MS: u64 = 1_000;
/// The same before a delivery: the worker delivers as soon as its record is on disk.
const DELIVERY_WITHIN_MS: u64 = 30;
/// The same while the next call is set up.
const BIRTH_WITHIN_MS: u64 = 400;
/// Longest time for which a victim stays dead.
const DEAD_MS: u64 = 300;
/// After the last call everything is delivered within this.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many kills.
    pub rounds: u32,
    /// Of every random choice.
    pub seed: u64,
    /// Where `vox-bridge` and `vox-core` are.
    pub bin_dir: PathBuf,
    /// The detector's weights, as the workers' `VOX_MODELS_DIR`.
    pub models_dir: PathBuf,
}

/// Why the test could not be made. What it found is in the [`Summary`].
#[derive(Debug, Error)]
pub enum KillError {
    #[error("no directory for the platform's data")]
    Data(#[source] std::io::Error),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("the bridge could not be asked to {what}")]
    Bridge { what: &'static str, source: reqwest::Error },
    #[error("the bridge's answer to the request to {0} could not be understood")]
    Answer(&'static str),
}

/// Carry out the plan and check the books.
///
/// # Errors
/// When a process cannot be started or stays dead, or the bridge cannot be asked at the end.
pub async fn run(plan: Plan) -> Result<Summary, KillError> {
    let began = Instant::now();
    let mut platform = Platform::start(&plan, WORKERS).await?;
    let book = Book::default();
    let stop = CancellationToken::new();
    let (phases, mut talking) = engage(&platform, &book, &stop);
    let mut killer = Killer { dice: Dice::new(plan.seed), phases, book: book.clone() };
    for round in 0..plan.rounds {
        killer.strike(round, &mut platform).await?;
    }
    stop.cancel();
    while talking.join_next().await.is_some() {}
    let settled = settle(&platform, &book).await?;
    let summary = book.sum_up(&plan, &settled, began.elapsed());
    platform.stop().await;
    Ok(summary)
}

/// One caller for each worker.
fn engage(
    platform: &Platform,
    book: &Book,
    stop: &CancellationToken,
) -> (Vec<watch::Receiver<Phase>>, JoinSet<()>) {
    let (mut phases, mut talking) = (Vec::new(), JoinSet::new());
    for worker in 0..WORKERS {
        let (phase, seen) = watch::channel(Phase::Idle);
        talking.spawn(Caller::new(platform, worker, phase, book.clone()).run(stop.clone()));
        phases.push(seen);
    }
    (phases, talking)
}

/// Wait until every accepted call has its record, or it is plain that one never comes; answers what the bridge holds.
async fn settle(platform: &Platform, book: &Book) -> Result<Vec<book::Held>, KillError> {
    let until = Instant::now() + SETTLE_WITHIN;
    loop {
        let held = platform.calls().await?;
        if book.missing(&held) == 0 || Instant::now() > until {
            return Ok(held);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Chooses whom to kill, and when.
struct Killer {
    dice: Dice,
    phases: Vec<watch::Receiver<Phase>>,
    book: Book,
}

impl Killer {
    /// The kinds of kill take turns; whose worker and the instant are left to chance.
    async fn strike(&mut self, round: u32, platform: &mut Platform) -> Result<(), KillError> {
        let worker = self.dice.up_to(WORKERS as u64 - 1) as usize;
        let (victim, moment) = match round % 4 {
            0 => (Victim::Worker(worker), Moment::MidCall),
            1 => (Victim::Bridge, Moment::MidCall),
            2 => (Victim::Bridge, Moment::Ends),
            _ if self.dice.up_to(1) == 0 => (Victim::Worker(worker), Moment::Ends),
            _ => (Victim::Worker(worker), Moment::Begins),
        };
        let (phase, within_ms) = match moment {
            Moment::MidCall => (Phase::Talking, KILL_WITHIN_MS),
            Moment::Ends => (Phase::HungUp, DELIVERY_WITHIN_MS),
            Moment::Begins => (Phase::Idle, BIRTH_WITHIN_MS),
        };
        self.reached(worker, phase).await;
        sleep(Duration::from_millis(self.dice.up_to(within_ms))).await;
        self.book.killed(Kill { victim, moment, at: Instant::now() });
        let dead = Duration::from_millis(self.dice.up_to(DEAD_MS));
        match victim {
            Victim::Worker(number) => platform.kill_worker(number, dead).await,
            Victim::Bridge => platform.kill_bridge(dead).await,
        }
    }

    /// Wait for the caller of this worker to be in a call, or to come to another phase anew.
    async fn reached(&mut self, worker: usize, wanted: Phase) {
        let phase = &mut self.phases[worker];
        if wanted == Phase::Talking {
            // Without a call in time the kill falls between two calls, which is an instant like any other.
            let _either = timeout(PHASE_WITHIN, phase.wait_for(|phase| *phase == wanted)).await;
            return;
        }
        // The last call's does not count.
        phase.mark_unchanged();
        while timeout(PHASE_WITHIN, phase.changed()).await.is_ok_and(|changed| changed.is_ok()) {
            if *phase.borrow_and_update() == wanted {
                return;
            }
        }
    }
}
