//! `vox-bridge`: read the settings, open the store, listen, serve until told to stop.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::config::Config;
use vox_bridge::{first_start, jobs, ready, serve};
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::telemetry;

/// The control plane of Vox. Settings come from the environment; see docs/settings-bridge.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Write this file when the bridge listens: one JSON object {bridge_url, admin_email, admin_password, bots}.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Every TLS client of the process uses ring. It fails only if one was chosen before, which is then as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let env = Env::of_process();
    telemetry::init("vox-bridge", &std::process::id().to_string(), &env)?;
    let stops_with_parent = env.text("VOX_PARENT_DEATH").is_some_and(|v| v == "1");
    let config = Config::from_env(env)?;
    if stops_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }

    let listener = TcpListener::bind(config.server.addr)
        .await
        .with_context(|| format!("cannot listen on {}", config.server.addr))?;
    let bound = listener.local_addr().context("the listener has no address")?;
    let parts = Parts::embedded(&config.storage.data_dir, Clock::system(), bound)?;
    let app = App::build(config, parts).await?;
    let password = first_start::first_start(&app).await?;

    let stop = CancellationToken::new();
    let sweeping = tokio::spawn(jobs::janitor::run(app.clone(), stop.clone()));
    let closing = tokio::spawn(jobs::lost_calls::run(app.clone(), stop.clone()));
    let serving = tokio::spawn(serve::serve(listener, app.router(), stop.clone()));
    if let Some(path) = &arguments.ready_file {
        let local_url = format!("http://{}", vox_bridge::app::reachable(bound));
        ready::write(&app, path, &local_url, password.as_ref()).await?;
    }
    tracing::info!(address = %bound, "listening");

    wait_for_signal().await?;
    tracing::info!("stopping: running requests are finished");
    stop.cancel();
    serving.await.context("the listener failed")?;
    sweeping.await.context("the janitor failed")?;
    closing.await.context("the closing of lost calls failed")?;
    Ok(())
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
