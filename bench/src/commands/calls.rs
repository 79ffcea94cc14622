//! `vox-bench calls`: what calls cost, and how fluent they are.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use vox_bench::bad_day;
use vox_bench::calls::{self, Report, Settings};
use vox_caller::Protocol;

const CALLS_MAX: u32 = 500;
const SECONDS_MIN: u32 = 5;
const SECONDS_MAX: u32 = 3_600;

#[derive(Args)]
pub struct Arguments {
    /// Calls at once, one level after another.
    #[arg(long, visible_alias = "calls", value_delimiter = ',', default_value = "1,5,20,50,100,200", value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    levels: Vec<u32>,
    /// How long each level is counted, all of its calls talking.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(i64::from(SECONDS_MIN)..=i64::from(SECONDS_MAX)))]
    seconds: u32,
    /// ws, exotel, twilio, plivo, telnyx, vonage or talk, with a rate behind a colon (exotel:16000, vonage:8000).
    #[arg(long, default_value = "ws")]
    protocol: Protocol,
    /// Where vox-core lies; by default beside this program.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Where scripts/fetch-models.sh put the detector's weights.
    #[arg(long, default_value = "models")]
    models_dir: PathBuf,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Also write the page of the documentation.
    #[arg(long)]
    markdown: Option<PathBuf>,
}

/// Measure and print. Everything that was started ends with it, also on Ctrl-C.
///
/// # Errors
/// When something is missing or does not start, when interrupted, or when no call at all succeeded.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let report = tokio::select! {
        report = Box::pin(measure(&arguments)) => report?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted; nothing was written"),
        _ = terminate.recv() => bail!("stopped; nothing was written"),
    };
    if let Some(path) = &arguments.markdown {
        write_page(path, &report)?;
    }
    print(&report, arguments.json)?;
    let dead = report.levels.iter().find(|level| level.talk.failed == u64::from(level.calls));
    if let Some(level) = dead {
        bail!("no call succeeded at {} calls: {:?}", level.calls, level.talk.reasons);
    }
    Ok(())
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    let own = std::env::current_exe().context("find this program")?;
    let beside = own.parent().map(Path::to_path_buf).unwrap_or_default();
    let settings = Settings {
        levels: arguments.levels.clone(),
        talk: Duration::from_secs(u64::from(arguments.seconds)),
        protocol: arguments.protocol,
        programs: arguments.bin_dir.clone().unwrap_or_else(|| beside.clone()),
        testkit: beside.join("vox-testkit"),
        models: arguments.models_dir.clone(),
    };
    Ok(Box::pin(calls::run(settings, super::progress)).await?)
}

fn write_page(path: &Path, report: &Report) -> anyhow::Result<()> {
    // Another run writes a part of it (`vox-bench bad-day`).
    let before = fs::read_to_string(path).unwrap_or_default();
    let kept = bad_day::part_of(&before).map(|part| format!("\n{part}")).unwrap_or_default();
    fs::write(path, report.to_markdown() + &kept)
        .with_context(|| format!("write the page {}", path.display()))
}

fn print(report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return Ok(super::announce(&report.to_json())?);
    }
    let mut out = std::io::stdout().lock();
    out.write_all(report.to_text().as_bytes())?;
    Ok(out.flush()?)
}
