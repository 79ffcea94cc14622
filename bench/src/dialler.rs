//! A campaign from a CSV file to its end, with real diallers and a real bridge, a simulated carrier and scripted
//! workers. Whatever is done to the programs meanwhile, nobody may be rung twice at once, no attempt may have two INVITEs, and each must
//! have one result. What is checked is the carrier's journal and what the public API says, and nothing else.

mod api;
mod broken;
mod handover;
mod import;
mod lists;
mod people;
mod recount;
mod ringing;
mod servers;
mod stage;
mod summary;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vox_shared::clock::Clock;
use vox_testkit::campaign::each_once;
use vox_testkit::exchange::callees::Law;
use vox_testkit::exchange::checker::{Attempt, Rules, check};
use vox_testkit::exchange::crew::CrewError;
use vox_testkit::exchange::journal::{Line, What};
use vox_testkit::exchange::{Exchange, StartError};

pub use broken::{Broken, run as break_it};
pub use handover::{Handover, run as hand_over};
pub use import::{Imported, run as import_list};
pub use people::MOST;
pub use ringing::{Ringing, run as let_ring};
pub use summary::Summary;
pub use trouble::{Done, Troubles};

use crate::process;
use crate::program::ProgramError;
use recount::{Run, Told, differences};
use stage::Stage;
use trouble::Maker;

const LOOK: Duration = Duration::from_millis(250);
/// After the last trouble a campaign comes to its end within this at least: what was left behind takes three minutes to be cleared up.
const RECOVERS_WITHIN: Duration = Duration::from_secs(600);
/// After the campaign's end everything is told and given back within this.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
/// Calls from one number in an hour, by the campaign's settings: one more number for each so many contacts.
const OF_A_NUMBER: u32 = 1_000;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub contacts: u32,
    /// People besides where it is night: nobody may ring them.
    pub asleep: u32,
    pub diallers: u32,
    pub workers: u32,
    /// Of every random choice.
    pub seed: u64,
    /// By how much telephones are faster than life.
    pub speed: f64,
    pub law: Law,
    /// Contacts that are called first, as the campaign's setting is.
    pub canary: u32,
    /// How long nobody's telephone rings.
    pub ring_secs: u32,
    /// The share of calls in which the bot says nothing.
    pub mute: f64,
    /// The chance of each fault between carrier and platform.
    pub faults: f64,
    pub troubles: Troubles,
    /// New calls in a second, and calls at once, that the carrier takes.
    pub cps: u32,
    pub channels: u32,
    /// No trouble is made after this, and the campaign must have ended as much later, ten minutes at least.
    pub within: Duration,
    /// A bridge on MongoDB and Redis, as several share them, and not on its embedded engines.
    pub servers: bool,
    /// Where `vox-bridge` and `vox-dialler` are.
    pub bin_dir: PathBuf,
    /// Where the programs' logs and the journal are kept when something is wrong.
    pub keep: Option<PathBuf>,
}

impl Plan {
    /// Whether every program knows afterwards what became of its calls: none is killed or frozen, and nothing is lost between them.
    fn is_calm(&self) -> bool {
        let Troubles { kill, freeze, bridge, carrier, servers, .. } = self.troubles;
        self.faults <= 0.0 && !(kill || freeze || bridge || carrier || servers)
    }
}

/// Why nothing could be measured. What was found is in the [`Summary`].
#[derive(Debug, thiserror::Error)]
pub enum DiallerError {
    #[error("no directory or port for the platform")]
    Data(#[source] std::io::Error),
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("{0}")]
    Server(String),
    #[error(transparent)]
    Carrier(#[from] StartError),
    #[error(transparent)]
    Crew(#[from] CrewError),
    #[error("{path}: {why}")]
    Api { path: String, why: String },
    #[error("not in time: {0}")]
    Late(String),
    #[error("only {created} of {contacts} contacts came in")]
    Import { created: u64, contacts: usize },
}

/// Carry out the plan, and check.
///
/// # Errors
/// When a program does not start or stays dead, or the campaign does not come to its end.
pub async fn run(plan: Plan) -> Result<Summary, DiallerError> {
    let began = Instant::now();
    let mut stage = Stage::set(&plan).await?;
    let outcome = on(&mut stage, &plan, began).await;
    let is_right = outcome.as_ref().is_ok_and(Summary::is_in_order);
    if let (false, Some(keep)) = (is_right, &plan.keep) {
        stage.keep(keep).map_err(DiallerError::Data)?;
    }
    outcome
}

async fn on(stage: &mut Stage, plan: &Plan, began: Instant) -> Result<Summary, DiallerError> {
    let now_s = Clock::system().now().as_second();
    let (people, asleep) = (people::numbers(plan.contacts, now_s), people::asleep(plan.asleep, now_s));
    let campaign = prepare(stage, plan, [people.clone(), asleep.clone()].concat()).await?;
    stage.api.tell(&campaign, "start").await?;
    let started = Instant::now();
    let mut maker = Maker::new(plan.troubles, plan.seed, people);
    maker.done.barred = asleep.into_iter().map(|number| (number, 0)).collect();
    let quiet_from = started + plan.within;
    let until = quiet_from + plan.within.max(RECOVERS_WITHIN);
    loop {
        // A bridge that is dead just now is asked again.
        let seen = stage.api.campaign(&campaign).await.unwrap_or_default();
        if seen["state"] == "completed" {
            break;
        }
        if seen["state"] == "running" && waits_for_morning(&seen["contacts"], plan.asleep) {
            stage.api.tell(&campaign, "stop").await?;
            break;
        }
        if seen["state"] == "failed" || Instant::now() > until {
            return Err(DiallerError::Late(format!("the campaign's end; it is {seen}")));
        }
        if Instant::now() < quiet_from {
            maker.look(stage, &campaign).await?;
        } else {
            maker.end(stage);
        }
        sleep(LOOK).await;
    }
    maker.end(stage);
    let lasted = started.elapsed();
    let run = if plan.is_calm() { Run::Calm } else { Run::Troubled };
    let Settled { attempts, differences } = settle(stage, &campaign, run).await?;
    let lines = stage.exchange.journal().lines();
    let trunks = lines.iter().filter_map(|line| match &line.what {
        What::Invite { trunk, .. } => Some((trunk.clone(), plan.cps)),
        _ => None,
    });
    let (shut, barred) = (maker.done.shut.clone(), maker.done.barred.clone());
    let rules = Rules { cps: trunks.collect(), shut, barred };
    let pids: Vec<u32> = stage.diallers.iter().filter_map(|dialler| dialler.pid()).collect();
    Ok(Summary {
        seed: plan.seed,
        contacts: plan.contacts,
        attempts: attempts.len(),
        report: check(&lines, &rules, Some(&attempts)),
        differences,
        may_lose: plan.faults > 0.0 || plan.troubles.cut_off(),
        lost_unrung: lost_unrung(&lines, &attempts),
        granted_to_invite_p99_ms: granted_to_invite_p99_ms(&lines, &attempts),
        done: maker.done,
        requests: stage.exchange.counts().requests,
        left: left(&stage.exchange),
        workers: stage.crew.counts(),
        lasted,
        whole: began.elapsed(),
        dialler_cpu: pids.iter().filter_map(|pid| process::cpu_time(*pid)).sum(),
        dialler_bytes: pids.iter().filter_map(|pid| process::memory(*pid)).map(|memory| memory.private).max(),
    })
}

/// Whether everybody was called who may be called now.
fn waits_for_morning(contacts: &Value, asleep: u32) -> bool {
    let count = |status: &str| contacts[status].as_u64().unwrap_or_default();
    let is_still = ["claimed", "dialing", "recovering"].iter().all(|status| count(status) == 0);
    contacts.is_object() && is_still && count("ready") <= u64::from(asleep)
}

/// Bot, carrier, numbers and a campaign with its people.
async fn prepare(stage: &Stage, plan: &Plan, people: Vec<String>) -> Result<String, DiallerError> {
    let api = &stage.api;
    let bot = api.insert_bot().await?;
    let own = plan.contacts.div_ceil(OF_A_NUMBER) + 1;
    let own: Vec<String> = (0..own).map(|n| format!("+1212555{:04}", 1_200 + n)).collect();
    api.insert_carrier(&own, (plan.cps, plan.channels)).await?;
    let campaign = api.insert_campaign(&bot, &settings(plan)).await?;
    let created = api.import(&campaign, people::csv(&people)).await?;
    if created != people.len() as u64 {
        return Err(DiallerError::Import { created, contacts: people.len() });
    }
    Ok(campaign)
}

/// Whoever was called counts as called: nobody waits for the hours until a second try.
fn settings(plan: &Plan) -> Value {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    json!({
        "pacing": {"mode": "reserve_first", "max_lines": plan.channels.min(1_000)},
        "hours": {"open": [{"days": days, "start": "00:00", "end": "24:00"}]},
        "numbers": {"per_hour": OF_A_NUMBER, "per_day": 5 * OF_A_NUMBER, "sticky": false},
        "retries": each_once(), "lost_policy": "report_only", "canary": plan.canary, "ring_secs": plan.ring_secs,
    })
}

/// What the API says at the end.
struct Settled {
    attempts: Vec<Attempt>,
    /// Where its figures are not what they come to.
    differences: Vec<String>,
}

/// Wait until everything is told and given back: the bridge writes what follows a result after the result, and workers tell of calls that
/// are over.
async fn settle(stage: &Stage, campaign: &str, run: Run) -> Result<Settled, DiallerError> {
    let until = Instant::now() + SETTLE_WITHIN;
    loop {
        let is_late = Instant::now() > until;
        let is_quiet = stage.crew.counts().busy == 0 && left(&stage.exchange) == (0, 0);
        if is_quiet || is_late {
            let told = Told::by(&stage.api, campaign).await?;
            let attempts = told.checked();
            let differences = differences(&told, &stage.exchange.journal().lines(), run);
            let is_told = attempts.iter().all(|attempt| attempt.result.is_some()) && differences.is_empty();
            if is_told || is_late {
                return Ok(Settled { attempts, differences });
            }
        }
        sleep(LOOK).await;
    }
}

/// See [`Summary::lost_unrung`].
fn lost_unrung(lines: &[Line], attempts: &[Attempt]) -> usize {
    let rung = |line: &Line| match &line.what {
        What::Invite { attempt, .. } => Some(attempt.clone()),
        _ => None,
    };
    let rung: BTreeSet<String> = lines.iter().filter_map(rung).collect();
    let is_lost =
        |attempt: &&Attempt| attempt.result.as_deref() == Some("lost") && !rung.contains(&attempt.id);
    attempts.iter().filter(is_lost).count()
}

/// See [`Summary::granted_to_invite_p99_ms`]. Both times are of this machine's clock.
fn granted_to_invite_p99_ms(lines: &[Line], attempts: &[Attempt]) -> f64 {
    let granted = |attempt: &Attempt| Some((attempt.id.clone(), attempt.dial_at?.as_microsecond()));
    let granted: BTreeMap<String, i64> = attempts.iter().filter_map(granted).collect();
    let mut took: Vec<i64> = lines
        .iter()
        .filter_map(|line| match &line.what {
            What::Invite { attempt, .. } => Some(line.at_us - granted.get(attempt)?),
            _ => None,
        })
        .collect();
    took.sort_unstable();
    let at = (took.len() * 99 / 100).min(took.len().saturating_sub(1));
    took.get(at).map_or(0.0, |us| *us as f64 / 1_000.0)
}

/// Rooms and calls that are left at the carrier.
fn left(exchange: &Exchange) -> (usize, usize) {
    let counts = exchange.counts();
    (counts.rooms, counts.calls)
}
