//! The worker process: settings, parts, listeners, and an orderly end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use vox_core::app::App;
use vox_core::config::CoreConfig;
use vox_core::slot::{Occupancy, Slot};
use vox_core::{handover, registration, server::Listeners};
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::telemetry::{self, Tracing, Who};
use vox_shared::{private, service};
use vox_traces::Export;

/// What is left is delivered for this long at the end; the rest is adopted by others.
const FLUSH: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the worker cannot run");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    private::keep_files_private();
    let env = Env::of_process();
    let instance = env.text("VOXCORE_WORKER_ID").unwrap_or_else(|| std::process::id().to_string());
    let who = Who { service: "vox-core", instance: &instance };
    let export = Export::start(who, &env);
    telemetry::init(who, &env, export.as_ref().map_or(Tracing::OFF, Export::tracing))?;
    let export = export?;
    let ran = work(env);
    // What went wrong is among what is gathered.
    export.finish();
    ran
}

/// From the settings to the end.
fn work(env: Env) -> anyhow::Result<()> {
    let config = CoreConfig::from_env(env)?;
    if config.stop_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    rustls::crypto::ring::default_provider().install_default().ok().context("installing the TLS provider")?;
    // One call, one thread: audio and vendors take turns, and nothing is locked. What is no sound is the courier's.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(config))
}

async fn run(config: CoreConfig) -> anyhow::Result<()> {
    let drain_limit = config.drain;
    let app = App::build(config, Clock::system())?;
    // Whoever hears that we answer may ask us to stop at once.
    let asked_to_stop = asked_to_stop()?;
    let listeners = Listeners::bind(&app).await?;
    let addr = listeners.addr()?;
    tracing::info!(worker.id = %app.worker_id, %addr, "the worker answers");
    let mut background = tokio::task::JoinSet::new();
    background.spawn(listeners.serve(app.clone()));
    app.courier.spawn(registration::run(app.clone(), addr));
    if let Some(socket) = app.config.dispatch.clone() {
        background.spawn(handover::run(app.clone(), socket));
    }
    #[cfg(feature = "livekit")]
    background.spawn(vox_core::call::rejoin::run(app.clone()));
    background.spawn(service::say_alive());
    background.spawn(show_status(app.slot.clone()));
    service::ready("free");
    asked_to_stop.await;
    tracing::info!("no new calls; the running one ends by itself");
    service::stopping("no new calls");
    background.spawn(service::watch_the_end());
    app.drain.cancel();
    if timeout(drain_limit, app.slot.free()).await.is_err() {
        tracing::warn!("the call outlived the drain limit; it is closed by whoever adopts its journal");
    }
    background.shutdown().await;
    app.courier.stop(FLUSH).await;
    Ok(())
}

/// Whether a call is on, for whoever looks at the unit.
async fn show_status(slot: Slot) {
    let mut occupancy = slot.watch();
    while occupancy.changed().await.is_ok() {
        let status = if *occupancy.borrow_and_update() == Occupancy::Free { "free" } else { "in a call" };
        service::status(status);
    }
}

/// Signals count from the call of this on, not from when it is first waited for.
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
    })
}
