//! A list of a hundred thousand people comes into a campaign by the public API, while somebody else works with the console: how long it
//! takes, what it costs the bridge, and whether every row is accounted for (figure 24 of the dialler).

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::api::Api;
use super::lists::{self, List};
use super::stage::Stage;
use super::{DiallerError, Plan};
use crate::process;

/// The figure, for a hundred thousand rows.
const WANTED: Duration = Duration::from_secs(20);
const WANTED_BYTES: u64 = 64 * 1024 * 1024;
const WANTED_MS: f64 = 200.0;
const WANTED_OF: u32 = 100_000;
/// An import that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two requests of whoever works meanwhile, as somebody who is quick has it.
const PAUSE: Duration = Duration::from_millis(50);
/// Requests of them before memory is looked at, so that what every bridge holds after a minute is no growth.
const WARM_UP: usize = 5;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    pub seed: u64,
    pub rows: u32,
    pub file_bytes: usize,
    /// What the API says of the rows, and what is wrong with it.
    pub counts: Value,
    pub faults: Vec<String>,
    /// From the first byte of the request until all rows were in, and until the file was taken.
    pub took: Duration,
    pub uploaded: Duration,
    /// The bridge's own memory before, and how much more it was at most; `None` where the system does not tell.
    pub before_bytes: Option<u64>,
    pub growth_bytes: Option<u64>,
    /// Time on a processor that the bridge had.
    pub cpu: Option<Duration>,
    /// Requests of somebody else meanwhile.
    pub requests: usize,
    pub p95_ms: f64,
    pub worst_ms: f64,
}

impl Imported {
    /// Whether every row is where it belongs.
    pub fn is_in_order(&self) -> bool {
        self.faults.is_empty()
    }

    /// What was slower or larger than it may be, in words.
    pub fn missed(&self) -> Vec<&'static str> {
        let is_judged = self.rows >= WANTED_OF;
        let missed = [
            (is_judged && self.took > WANTED * (self.rows / WANTED_OF), "too slow"),
            (is_judged && self.growth_bytes.is_some_and(|bytes| bytes > WANTED_BYTES), "too much memory"),
            (self.p95_ms > WANTED_MS, "others wait too long"),
        ];
        missed.into_iter().filter(|(is_missed, _)| *is_missed).map(|(_, what)| what).collect()
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: Option<u64>| {
            bytes.map_or("?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / (1024.0 * 1024.0)))
        };
        let row =
            |f: &mut fmt::Formatter<'_>, what: &str, value: &str| writeln!(f, "  24  {what:<58} {value}");
        let (took, up) = (self.took.as_secs_f64(), self.uploaded.as_secs_f64());
        writeln!(f, "seed {}: {} rows, {} bytes", self.seed, self.rows, self.file_bytes)?;
        row(f, "seconds until all rows were in; until the file was taken", &format!("{took:.1}; {up:.1}"))?;
        row(f, "rows in a second", &format!("{:.0}", f64::from(self.rows) / took.max(0.001)))?;
        let cpu = self.cpu.map_or("?".to_owned(), |cpu| format!("{:.1}", cpu.as_secs_f64()));
        row(f, "processor of the bridge, seconds", &cpu)?;
        let memory = format!("{}; {}", mib(self.growth_bytes), mib(self.before_bytes));
        row(f, "growth of the bridge's memory at most, MiB; before it", &memory)?;
        let waits = format!("{:.0}; {:.0}; {}", self.p95_ms, self.worst_ms, self.requests);
        row(f, "requests of somebody else: p95, worst, ms; how many", &waits)?;
        row(f, "rows", &self.counts.to_string())?;
        self.missed().iter().try_for_each(|what| writeln!(f, "MISSED: {what}"))?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "WRONG: {fault}"))
    }
}

/// Import so many rows.
///
/// # Errors
/// When the bridge does not start or the import has no end.
pub async fn run(plan: Plan, rows: u32) -> Result<Imported, DiallerError> {
    let plan = Plan { diallers: 0, workers: 1, faults: 0.0, ..plan };
    let stage = Stage::set(&plan).await?;
    let measured = measure(&stage, &plan, rows).await;
    let is_right = measured.as_ref().is_ok_and(Imported::is_in_order);
    if let (false, Some(keep)) = (is_right, &plan.keep) {
        stage.keep(keep).map_err(DiallerError::Data)?;
    }
    measured
}

async fn measure(stage: &Stage, plan: &Plan, rows: u32) -> Result<Imported, DiallerError> {
    let List { csv, created, duplicate, rounded, no_phone } = lists::list(plan.seed, rows);
    let api = &stage.api;
    let bot = api.insert_bot().await?;
    let campaign = api.insert_campaign(&bot, &json!({"region": "IN", "languages": ["hi", "en"]})).await?;
    let other = api.colleague().await?;
    for _ in 0..WARM_UP {
        look_around(&other, &campaign).await?;
    }
    let pid = stage.bridge.pid();
    let memory = || pid.and_then(process::memory).map(|memory| memory.private);
    let cpu = || pid.and_then(process::cpu_time);
    let (before, cpu_before) = (memory(), cpu());
    let (end, ended) = watch::channel(false);
    let file_bytes = csv.len();
    let import = async {
        let began = Instant::now();
        let import = api.upload(&campaign, csv).await;
        let uploaded = began.elapsed();
        let mut most = memory();
        let counts = match &import {
            Ok(import) => {
                let look = || most = most.max(memory());
                api.imported((&campaign, import), PATIENCE, look).await.map(|counts| (counts, uploaded))
            }
            Err(error) => Err(DiallerError::Late(format!("the upload: {error}"))),
        };
        let took = began.elapsed();
        most = most.max(memory());
        // Nobody listens when the other one has failed.
        let _ = end.send(true);
        counts.map(|(counts, uploaded)| (counts, (took, uploaded), most))
    };
    let (imported, waits) = tokio::join!(import, work(&other, &campaign, ended));
    let (counts, (took, uploaded), most) = imported?;
    let cpu = cpu().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let mut waits = waits?;
    waits.sort_by(f64::total_cmp);
    let wanted = [
        ("rows", u64::from(rows)),
        ("created", created),
        ("duplicate", duplicate),
        ("updated", 0),
        ("unchanged", 0),
    ];
    let mut faults = faults(&counts, &wanted, &[("damaged_by_spreadsheet", rounded), ("no_phone", no_phone)]);
    let ready = api.campaign(&campaign).await?["contacts"]["ready"].as_u64();
    if ready != Some(created) {
        faults.push(format!("{ready:?} contacts are ready to be called, and not {created}"));
    }
    Ok(Imported {
        seed: plan.seed,
        rows,
        file_bytes,
        counts,
        faults,
        took,
        uploaded,
        before_bytes: before,
        growth_bytes: most.zip(before).map(|(most, before)| most.saturating_sub(before)),
        cpu,
        requests: waits.len(),
        p95_ms: at(&waits, 0.95),
        worst_ms: at(&waits, 1.0),
    })
}

/// What is not as it must be.
fn faults(counts: &Value, wanted: &[(&str, u64)], refused: &[(&str, u64)]) -> Vec<String> {
    let of = |counts: &Value, name: &str| counts[name].as_u64().unwrap_or_default();
    let differs = |counts: &Value, (name, wanted): &(&str, u64)| {
        let seen = of(counts, name);
        (seen != *wanted).then(|| format!("{name}: {seen}, and not {wanted}"))
    };
    let mut faults: Vec<String> = wanted.iter().filter_map(|one| differs(counts, one)).collect();
    faults.extend(refused.iter().filter_map(|one| differs(&counts["refused"], one)));
    let reasons = counts["refused"].as_object();
    let lost: u64 = reasons.into_iter().flat_map(|reasons| reasons.values()).filter_map(Value::as_u64).sum();
    let sum =
        ["created", "updated", "unchanged", "duplicate"].iter().map(|name| of(counts, name)).sum::<u64>();
    if sum + lost != of(counts, "rows") {
        faults.push(format!("{} rows are {sum} and {lost} refused: they do not add up", of(counts, "rows")));
    }
    faults
}

/// What somebody does at the console until the import is over; how long each answer took, milliseconds.
async fn work(api: &Api, campaign: &str, mut ended: watch::Receiver<bool>) -> Result<Vec<f64>, DiallerError> {
    let mut waits = Vec::new();
    while !*ended.borrow() {
        waits.extend(look_around(api, campaign).await?);
        tokio::select! {
            () = sleep(PAUSE) => {}
            // Whoever measures is gone: so is the import.
            changed = ended.changed() => if changed.is_err() { break },
        }
    }
    Ok(waits)
}

/// The lists and pages that a console shows of a campaign; how long each took, milliseconds.
async fn look_around(api: &Api, campaign: &str) -> Result<[f64; 5], DiallerError> {
    let path = format!("/api/v1/campaigns/{campaign}");
    let paths = [
        "/api/v1/campaigns?limit=50".to_owned(),
        format!("{path}/contacts?limit=50"),
        format!("{path}/status"),
        format!("{path}/imports?limit=10"),
        path,
    ];
    let mut waits = [0.0; 5];
    for (wait, path) in waits.iter_mut().zip(&paths) {
        let began = Instant::now();
        api.get(path).await?;
        *wait = began.elapsed().as_secs_f64() * 1_000.0;
    }
    Ok(waits)
}

/// The value at this share of sorted ones, nearest rank; 0 of none.
fn at(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_does_not_add_up_is_told() {
        let counts = json!({
            "rows": 10, "created": 7, "updated": 0, "unchanged": 0, "duplicate": 1, "refused": {"no_phone": 1, "letters": 1},
        });
        let wanted = [("rows", 10), ("created", 7), ("duplicate", 1)];
        assert_eq!(faults(&counts, &wanted, &[("no_phone", 1)]), Vec::<String>::new());
        assert_eq!(faults(&counts, &wanted, &[("no_phone", 2)]), ["no_phone: 1, and not 2"]);
        let lost = json!({"rows": 10, "created": 7, "duplicate": 1, "refused": {}});
        assert_eq!(faults(&lost, &wanted, &[]).len(), 1);
        assert_eq!(faults(&Value::Null, &wanted, &[]).len(), 3);
    }

    #[test]
    fn shares_are_by_the_nearest_rank() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((at(&values, 0.95), at(&values, 1.0), at(&[], 0.95)), (95.0, 100.0, 0.0));
    }
}
