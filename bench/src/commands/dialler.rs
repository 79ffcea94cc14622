//! `vox-bench dialler`: a campaign with everything that can happen to it, and a check that nobody was rung twice.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use vox_bench::dialler::{MOST, Plan, Troubles, break_it, hand_over, import_list, let_ring, run as measure};
use vox_testkit::exchange::callees::Law;

#[derive(Args)]
pub struct Arguments {
    /// People to call, once each.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    contacts: u32,
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    diallers: u32,
    /// Scripted workers, one call each.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=500))]
    workers: u32,
    /// By how much telephones are faster than life.
    #[arg(long, default_value_t = 20.0)]
    speed: f64,
    /// The chance of each fault between the platform and the carrier.
    #[arg(long, default_value_t = 0.01)]
    faults: f64,
    /// Only what happens by itself: no kills, freezes, restarts and pauses.
    #[arg(long)]
    calm: bool,
    /// The bridge stands on MongoDB and Redis (scripts/mongodb and scripts/redis), which are killed too.
    #[arg(long)]
    servers: bool,
    /// Instead: one dialler dies in mid-call, another takes over and is told to end, and a third goes on.
    #[arg(long, conflicts_with = "calm")]
    handover: bool,
    /// Instead: a carrier that answers everything with 503, and then a bot that never speaks.
    #[arg(long, conflicts_with_all = ["calm", "handover"])]
    broken: bool,
    /// Instead: a list of so many rows comes into a campaign, while somebody else works with it.
    #[arg(long, value_name = "ROWS", num_args = 0..=1, default_missing_value = "100000",
        conflicts_with_all = ["calm", "handover", "broken"],
        value_parser = clap::value_parser!(u32).range(1_000..=500_000))]
    import: Option<u32>,
    /// Instead: 500 lines that ring, and what they cost.
    #[arg(long, conflicts_with_all = ["calm", "handover", "broken"])]
    ringing: bool,
    /// New calls that the carrier takes in a second.
    #[arg(long, default_value_t = 50)]
    cps: u32,
    /// Calls that it takes at once.
    #[arg(long, default_value_t = 200)]
    channels: u32,
    /// Trouble ends after so many seconds; the campaign must end within as many again, and ten minutes at least.
    #[arg(long, default_value_t = 1_200)]
    seconds: u64,
    /// Of every random choice; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
    /// Where vox-bridge and vox-dialler are; by default beside this program.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Keep the programs' logs and the carrier's journal here when something is wrong.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Run the campaign, check it, and print the figures. Fails when something is wrong.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let bin_dir = match arguments.bin_dir {
        Some(dir) => dir,
        None => {
            let own = std::env::current_exe().context("find this program's directory")?;
            own.parent().context("this program lies in no directory")?.to_owned()
        }
    };
    let on = !arguments.calm;
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let plan = Plan {
        contacts: arguments.contacts,
        asleep: arguments.contacts / 20,
        diallers: arguments.diallers,
        workers: arguments.workers,
        seed,
        speed: arguments.speed,
        law: Law::default(),
        mute: 0.0,
        canary: 0,
        ring_secs: 30,
        faults: arguments.faults,
        troubles: Troubles {
            kill: on,
            freeze: on,
            bridge: on,
            carrier: on,
            pause: on,
            opt_out: on,
            servers: on && arguments.servers,
        },
        cps: arguments.cps,
        channels: arguments.channels,
        within: Duration::from_secs(arguments.seconds),
        servers: arguments.servers,
        bin_dir,
        keep: arguments.keep,
    };
    if arguments.handover {
        let seen = hand_over(plan).await.with_context(|| format!("with --seed {seed}"))?;
        say(arguments.json, &seen)?;
        anyhow::ensure!(
            seen.is_in_order(),
            "calls were not handed over as they must be; repeat with --seed {seed}"
        );
        return Ok(());
    }
    if arguments.broken {
        let seen = break_it(plan).await.with_context(|| format!("with --seed {seed}"))?;
        say(arguments.json, &seen)?;
        anyhow::ensure!(seen.is_in_order(), "people paid for what was broken; repeat with --seed {seed}");
        return Ok(());
    }
    if arguments.ringing {
        let seen = let_ring(plan).await.with_context(|| format!("with --seed {seed}"))?;
        say(arguments.json, &seen)?;
        anyhow::ensure!(seen.is_in_order(), "lines that ring cost too much; repeat with --seed {seed}");
        return Ok(());
    }
    if let Some(rows) = arguments.import {
        let seen = import_list(plan, rows).await.with_context(|| format!("with --seed {seed}"))?;
        say(arguments.json, &seen)?;
        anyhow::ensure!(seen.is_in_order(), "rows of the list were lost; repeat with --seed {seed}");
        return Ok(());
    }
    let summary = measure(plan).await.with_context(|| format!("with --seed {seed}"))?;
    say(arguments.json, &summary)?;
    if !summary.is_in_order() {
        bail!("the campaign was not in order; repeat with --seed {seed}");
    }
    Ok(())
}

fn say(as_json: bool, seen: &(impl Serialize + Display)) -> anyhow::Result<()> {
    if as_json {
        super::announce(&serde_json::to_value(seen)?)?;
    } else {
        let mut out = std::io::stdout().lock();
        write!(out, "{seen}")?;
        out.flush()?;
    }
    Ok(())
}
