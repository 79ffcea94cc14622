//! `vox-dialler`: read the settings, test the fuse, run campaigns until told to stop.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vox_dialler::desk::Desk;
use vox_dialler::engine::Engine;
use vox_dialler::pulse::Pulse;
use vox_dialler::settings::DiallerSettings;
use vox_dialler::{check, fuse, surface};
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::ids::WorkerId;
use vox_shared::private::keep_files_private;
use vox_shared::service;
use vox_shared::telemetry::{self, Tracing, Who};

/// Runs campaigns: rings contacts through LiveKit, each at most once for each attempt. Settings come from the environment; see
/// docs/settings-dialler.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Say whether campaigns could run here, and end.
    #[arg(long)]
    check: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start().await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the dialler cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<ExitCode> {
    keep_files_private();
    // Every TLS client of the process uses ring. It fails only if one was chosen before, which is then as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let env = Env::of_process();
    // A name is never used again: an owner that comes back is another one.
    let name = format!("dialler-{}", WorkerId::generate());
    telemetry::init(Who { service: "vox-dialler", instance: &name }, &env, Tracing::OFF)?;
    let settings = DiallerSettings::from_env(env)?;
    if settings.stop_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    let desk = Arc::new(Desk::new(name, &settings, Clock::system())?);
    if arguments.check {
        let (told, good) = check::check(&desk).await;
        std::io::stdout().write_all(told.as_bytes()).context("writing what was found")?;
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    run(desk, settings).await?;
    Ok(ExitCode::SUCCESS)
}

async fn run(desk: Arc<Desk>, settings: DiallerSettings) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pulse = Arc::new(Pulse::default());
    let (surface, bound) = surface::serve(settings.listen, desk.clone(), pulse.clone())
        .with_context(|| format!("VOX_DIALLER_LISTEN: cannot listen on {}", settings.listen))?;
    let (tells, fuse) = watch::channel(false);
    let mut background = JoinSet::new();
    background.spawn(async move {
        if let Err(error) = surface.await {
            tracing::error!(%error, "nobody serves the dialler's health");
        }
    });
    background.spawn(fuse::watch(desk.clone(), pulse.clone(), tells));
    background.spawn(service::say_alive());
    let engine = Engine::new(desk.clone(), pulse, fuse, settings.max_lines);
    let mut running = tokio::spawn(engine.run(stop.clone(), settings.drain));
    tracing::info!(dialler.name = %desk.name, %bound, "the dialler runs");
    service::ready("runs campaigns");
    tokio::select! {
        _signal = terminate.recv() => {}
        _signal = interrupt.recv() => {}
        ended = &mut running => return ended.context("the dialler's loop broke off"),
    }
    tracing::info!("no new calls; what rings is taken back, what talks goes on");
    service::stopping("no new calls");
    background.spawn(service::watch_the_end());
    stop.cancel();
    running.await.context("the dialler's loop broke off")?;
    background.shutdown().await;
    Ok(())
}
