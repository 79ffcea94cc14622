//! `vox-bench vendors`: what calls cost with each vendor.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use vox_bench::calls::Settings;
use vox_bench::vendors::{self, Report};
use vox_caller::Protocol;

#[derive(Args)]
pub struct Arguments {
    /// Calls at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    calls: u32,
    /// How long each vendor's calls are counted.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(5..=600))]
    seconds: u32,
    /// Only these vendors, as the first column names them.
    #[arg(long, value_delimiter = ';')]
    only: Vec<String>,
    /// Where vox-core lies; by default beside this program.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Where scripts/fetch-models.sh put the detector's weights.
    #[arg(long, default_value = "models")]
    models_dir: PathBuf,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Also write the page of the documentation.
    #[arg(long)]
    markdown: Option<PathBuf>,
}

/// Measure and print. Everything that was started ends with it, also on Ctrl-C.
///
/// # Errors
/// When something is missing or does not start, when interrupted, when no vendor has such a name, or when no call with one succeeded.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let report = tokio::select! {
        report = Box::pin(measure(&arguments)) => report?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted; nothing was written"),
        _ = terminate.recv() => bail!("stopped; nothing was written"),
    };
    if report.rows.is_empty() {
        bail!(
            "no vendor is called {:?}; the first column of docs/benchmarks-vendors.md names them",
            arguments.only
        );
    }
    if let Some(path) = &arguments.markdown {
        fs::write(path, report.to_markdown())
            .with_context(|| format!("write the page {}", path.display()))?;
    }
    if arguments.json {
        super::announce(&report.to_json())?;
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(report.to_text().as_bytes())?;
        out.flush()?;
    }
    let dead = report.rows.iter().find(|row| row.level.talk.failed == u64::from(row.level.calls));
    match dead {
        Some(row) => bail!("no call with {} succeeded: {:?}", row.vendor, row.level.talk.reasons),
        None => Ok(()),
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    let own = std::env::current_exe().context("find this program")?;
    let beside = own.parent().map(Path::to_path_buf).unwrap_or_default();
    let settings = Settings {
        levels: vec![arguments.calls],
        talk: Duration::from_secs(u64::from(arguments.seconds)),
        protocol: Protocol::Ws,
        programs: arguments.bin_dir.clone().unwrap_or_else(|| beside.clone()),
        testkit: beside.join("vox-testkit"),
        models: arguments.models_dir.clone(),
    };
    Ok(Box::pin(vendors::run(&settings, &arguments.only, super::progress)).await?)
}
