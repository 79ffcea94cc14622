//! `vox-bench livekit`: what calls in LiveKit rooms cost, how soon they begin, and what becomes of them on bad networks.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use vox_bench::{
    calls,
    livekit::{self, Settings},
};

const CALLS_MAX: u32 = 200;
const SECONDS_MIN: u32 = 5;
const SECONDS_MAX: u32 = 3_600;

#[derive(Args)]
pub struct Arguments {
    /// Calls at once, one level after another, each over /ws and in rooms.
    #[arg(long, visible_alias = "calls", value_delimiter = ',', default_value = "1,5,10,20", value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    levels: Vec<u32>,
    /// How long each level is counted, all of its calls talking.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(i64::from(SECONDS_MIN)..=i64::from(SECONDS_MAX)))]
    seconds: u32,
    /// Put calls through bad networks instead.
    #[arg(long)]
    impair: bool,
    /// Only this bad network, as the first column names it. With --json its record is there too.
    #[arg(long, requires = "impair", conflicts_with = "markdown")]
    only: Option<String>,
    /// Also measure the vendor's own agent, which scripts/livekit/agent/install.sh put there.
    #[arg(long, conflicts_with = "impair")]
    agent: Option<PathBuf>,
    /// Calls at once with that agent.
    #[arg(long, value_delimiter = ',', default_value = "1,20", value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    agent_levels: Vec<u32>,
    /// What starts a LiveKit server.
    #[arg(long, default_value = "scripts/livekit/run.sh")]
    livekit: PathBuf,
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

/// What was measured, in its three forms.
struct Figures {
    text: String,
    page: String,
    json: Value,
    /// Why they are none.
    fault: Option<String>,
}

/// Measure and print. Everything that was started ends with it, also on Ctrl-C.
///
/// # Errors
/// When something is missing or does not start, when interrupted, or when no call at all succeeded.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let figures = tokio::select! {
        figures = Box::pin(measure(&arguments)) => figures?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted; nothing was written"),
        _ = terminate.recv() => bail!("stopped; nothing was written"),
    };
    if let Some(path) = &arguments.markdown {
        fs::write(path, &figures.page).with_context(|| format!("write the page {}", path.display()))?;
    }
    if arguments.json {
        super::announce(&figures.json)?;
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(figures.text.as_bytes())?;
        out.flush()?;
    }
    match figures.fault {
        Some(fault) => bail!(fault),
        None => Ok(()),
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Figures> {
    let settings = settings(arguments)?;
    if arguments.impair {
        let impaired = Box::pin(livekit::impair(&settings, super::progress)).await?;
        if impaired.rows.is_empty() {
            bail!("no bad network is called that; docs/benchmarks-impaired.md names them");
        }
        let (text, page, json) = (impaired.to_text(), impaired.to_markdown(), impaired.to_json());
        return Ok(Figures { text, page, json, fault: None });
    }
    let report = Box::pin(livekit::run(&settings, super::progress)).await?;
    let dead = report.pairs.iter().find_map(|pair| {
        let levels = [&pair.socket, &pair.room];
        let dead = levels.into_iter().find(|level| level.talk.failed == u64::from(level.calls))?;
        Some(format!("no call succeeded at {} calls: {:?}", pair.calls, dead.talk.reasons))
    });
    let (text, page, json) = (report.to_text(), report.to_markdown(), report.to_json());
    Ok(Figures { text, page, json, fault: dead })
}

fn settings(arguments: &Arguments) -> anyhow::Result<Settings> {
    let own = std::env::current_exe().context("find this program")?;
    let beside = own.parent().map(Path::to_path_buf).unwrap_or_default();
    let calls = calls::Settings {
        levels: arguments.levels.clone(),
        talk: Duration::from_secs(u64::from(arguments.seconds)),
        protocol: Settings::BESIDE,
        programs: arguments.bin_dir.clone().unwrap_or_else(|| beside.clone()),
        testkit: beside.join("vox-testkit"),
        models: arguments.models_dir.clone(),
    };
    let (script, agent) = (arguments.livekit.clone(), arguments.agent.clone());
    let agent_levels = arguments.agent_levels.clone();
    Ok(Settings { calls, script, agent, agent_levels, only: arguments.only.clone() })
}
