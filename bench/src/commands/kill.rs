//! `vox-bench kill`: the platform's processes are killed in mid-call, and the books are checked.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use vox_bench::kill::{Plan, run as kill};

/// Kills of one run; a hundred take some minutes.
const ROUNDS_MAX: u32 = 100_000;

#[derive(Args)]
pub struct Arguments {
    /// How many kills; their kinds take turns: a worker or the bridge, in mid-call or as a call begins or ends.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(ROUNDS_MAX)))]
    rounds: u32,
    /// Of every random choice; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
    /// Where vox-bridge and vox-core are; by default beside this program.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Where the voice detector's weights are (scripts/fetch-models.sh).
    #[arg(long, env = "VOX_MODELS_DIR", default_value = "models")]
    models: PathBuf,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Kill, restart, check, and print the count. Fails when a record is lost, doubled or wrong.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let bin_dir = match arguments.bin_dir {
        Some(dir) => dir,
        None => {
            let own = std::env::current_exe().context("find this program's directory")?;
            own.parent().context("this program lies in no directory")?.to_owned()
        }
    };
    let models_dir = arguments.models.canonicalize().with_context(|| {
        format!("there is no {}; run scripts/fetch-models.sh or give --models", arguments.models.display())
    })?;
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let summary = kill(Plan { rounds: arguments.rounds, seed, bin_dir, models_dir }).await?;
    if arguments.json {
        super::announce(&serde_json::to_value(&summary)?)?;
    } else {
        let mut out = std::io::stdout().lock();
        write!(out, "{summary}")?;
        out.flush()?;
    }
    if !summary.is_in_order() {
        bail!("the books are not in order; repeat with --seed {seed}");
    }
    Ok(())
}
