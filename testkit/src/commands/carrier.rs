//! `vox-testkit carrier`: the simulated carrier in the foreground, with its scripted workers where there is a bridge.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use vox_testkit::exchange::crew::{Crew, Orders};
use vox_testkit::exchange::faults::Faults;
use vox_testkit::exchange::{Exchange, Settings};

/// How long results that are owed to the bridge are waited for at the end.
const OWED: Duration = Duration::from_secs(10);

/// What it is told. What is given here stands over the settings' file.
#[derive(Args)]
pub struct Arguments {
    /// All settings, as JSON (see the test kit's README).
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The loopback port; 0 picks a free one.
    #[arg(long)]
    port: Option<u16>,
    /// The name of the key that tokens are signed under.
    #[arg(long)]
    key: Option<String>,
    /// A file with the secret that they are signed with.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Let whoever joins a room make it: a dialler must refuse to work with such a server.
    #[arg(long)]
    auto_create: bool,
    /// By how much telephones are faster than life.
    #[arg(long)]
    speed: Option<f64>,
    /// Of the callees, and of what goes wrong.
    #[arg(long)]
    seed: Option<u64>,
    /// New calls in a second, on each trunk.
    #[arg(long)]
    cps: Option<u32>,
    /// Calls at once, on each trunk.
    #[arg(long)]
    concurrent: Option<u32>,
    /// Everything goes wrong that can, each with this chance.
    #[arg(long, value_name = "CHANCE")]
    faults: Option<f64>,
    /// Append every INVITE to this file.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Tell this address of rooms and participants; repeat for more.
    #[arg(long = "webhook", value_name = "URL")]
    webhooks: Vec<String>,
    /// Run scripted workers for this bridge.
    #[arg(long, value_name = "URL", requires = "workers_secret_file")]
    bridge: Option<String>,
    /// A file with the deployment's secret for workers.
    #[arg(long, value_name = "FILE", requires = "bridge")]
    workers_secret_file: Option<PathBuf>,
    /// How many; one call each.
    #[arg(long, default_value_t = 4, requires = "bridge")]
    workers: u32,
    /// Stop when standard input ends.
    #[arg(long)]
    until_eof: bool,
    /// Stop when the program that started this one is gone.
    #[arg(long)]
    stop_with_parent: bool,
    /// Write how much there was of what to this file when stopping.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Serve until told to stop.
///
/// # Errors
/// When the settings are wrong, the port is taken, or a file cannot be read or written.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if arguments.stop_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    let exchange = Exchange::start(settings(&arguments)?).await?;
    let crew = match (&arguments.bridge, &arguments.workers_secret_file) {
        (Some(bridge), Some(secret)) => {
            let orders = Orders {
                bridge: bridge.clone(),
                secret: secret_in(secret)?,
                workers: arguments.workers,
                seed: arguments.seed.unwrap_or_default(),
                ..Orders::default()
            };
            Some(Crew::start(&exchange, orders).await?)
        }
        _ => None,
    };
    let workers = crew.as_ref().map_or(0, |_| arguments.workers);
    super::announce(&json!({"url": exchange.url(), "key": exchange.key().0, "workers": workers}))?;
    super::until_told(arguments.until_eof).await?;
    let worked = crew.as_ref().map(Crew::counts);
    if let Some(crew) = crew {
        crew.stop(OWED).await;
    }
    if let Some(fault) = exchange.journal().fault() {
        anyhow::bail!("the journal is not whole: {fault}");
    }
    if let Some(path) = &arguments.report {
        let report = serde_json::to_vec_pretty(&json!({"carrier": exchange.counts(), "workers": worked}))?;
        fs::write(path, report).with_context(|| format!("write the report to {}", path.display()))?;
    }
    Ok(())
}

fn settings(arguments: &Arguments) -> anyhow::Result<Settings> {
    let mut settings: Settings = match &arguments.settings {
        Some(path) => super::read_json(path, "the settings")?,
        None => Settings::default(),
    };
    if let Some(path) = &arguments.secret_file {
        settings.secret = secret_in(path)?;
    }
    settings.port = arguments.port.unwrap_or(settings.port);
    settings.key = arguments.key.clone().unwrap_or(settings.key);
    settings.auto_create |= arguments.auto_create;
    settings.speed = arguments.speed.unwrap_or(settings.speed);
    settings.journal = arguments.journal.clone().or(settings.journal);
    settings.webhooks.extend(arguments.webhooks.iter().cloned());
    if let Some(chance) = arguments.faults {
        settings.faults = Faults::all(0, chance);
    }
    if let Some(seed) = arguments.seed {
        (settings.callees.seed, settings.faults.seed) = (seed, seed);
    }
    let limits = settings.trunks.iter_mut().map(|trunk| &mut trunk.limits);
    for limits in limits.chain([&mut settings.limits]) {
        limits.cps = arguments.cps.or(limits.cps);
        limits.concurrent = arguments.concurrent.or(limits.concurrent);
    }
    Ok(settings)
}

fn secret_in(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("read the secret in {}", path.display()))?;
    let secret = text.trim();
    anyhow::ensure!(!secret.is_empty(), "{} holds no secret", path.display());
    Ok(secret.to_owned())
}
