//! `vox-bridge`: read the settings, open the store, listen, serve until told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::PoisonError;

use anyhow::{Context, bail};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::commands::Command;
use vox_bridge::config::{Config, MetricsListen};
use vox_bridge::deployment::Deployment;
use vox_bridge::ready::Addresses;
use vox_bridge::serve::{Serving, serve};
use vox_bridge::{jobs, livekit, ready, routes};
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::private::keep_files_private;
use vox_shared::service;
use vox_shared::telemetry::{self, Tracing, Who};
use vox_traces::Export;

/// The control plane of Vox. Settings come from the environment; see docs/settings-bridge.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Write this file when the bridge listens: one JSON object {bridge_url, admin_email, admin_password, bots}.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Threads that serve requests. They wait for the store most of the time; a second one keeps a hash or a long list from
/// holding everybody up.
const HTTP_THREADS: usize = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    keep_files_private();
    // Every TLS client of the process uses ring. It fails only if one was chosen before, which is then as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let env = Env::of_process();
    let who = Who { service: "vox-bridge", instance: &std::process::id().to_string() };
    let export = Export::start(who, &env);
    telemetry::init(who, &env, export.as_ref().map_or(Tracing::OFF, Export::tracing))?;
    let export = export?;
    if let Some(command) = arguments.command {
        return command.run(env).await;
    }
    let stops_with_parent = env.text("VOX_PARENT_DEATH").is_some_and(|v| v == "1");
    let config = Config::from_env(env)?;
    if stops_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }

    let end = EndSignals::listen()?;
    let (listener, bound) = listen(config.server.addr).await?;
    let metrics = listen_for_metrics(config.metrics.listen).await?;
    let deployment = Deployment::open(&config.storage).await?;
    let parts = Parts { deployment: deployment.clone(), clock: Clock::system(), bound };
    let app = App::build(config, parts).await?;
    let password = app.first_start().await?;

    let stop = CancellationToken::new();
    for host in &app.config.fleet.hosts {
        app.fleet.add_host(host).await.with_context(|| format!("cannot add the host '{}'", host.name))?;
    }
    let mut jobs = start_jobs(&app, &stop);
    let (metrics, metrics_bound) = metrics.unzip();
    let mut serving = tokio::spawn(serve_all((listener, metrics), app.clone(), stop.clone()));
    if let Some(path) = &arguments.ready_file {
        let metrics = metrics_bound.map(|at| format!("http://{}/metrics", vox_bridge::app::reachable(at)));
        let listening = Addresses { api: format!("http://{}", vox_bridge::app::reachable(bound)), metrics };
        ready::write(&app.stores, path, &listening, password.as_ref()).await?;
    }
    tracing::info!(address = %bound, metrics = ?metrics_bound, "listening");
    let alive = tokio::spawn(service::say_alive());
    service::ready("serving");

    // A bridge that lacks one of its parts is no bridge: whoever runs it starts it anew.
    tokio::select! {
        () = end.first() => {}
        ended = &mut serving => { ended.context("the listener failed")??; bail!("the listener has ended") }
        ended = jobs.join_next() => match ended {
            Some(ended) => bail!("{} has ended", ended.context("a job of the bridge failed")?),
            None => bail!("the bridge has no jobs"),
        }
    }
    tracing::info!("stopping: running requests are finished");
    service::stopping("running requests are finished");
    alive.abort();
    let watched = tokio::spawn(service::watch_the_end());
    stop.cancel();
    serving.await.context("the listener failed")??;
    while let Some(ended) = jobs.join_next().await {
        ended.context("a job of the bridge failed")?;
    }
    deployment.close().await;
    watched.abort();
    // The process does nothing else any more.
    export.finish();
    Ok(())
}

/// What the bridge does that nobody asks for. Each ends only with `stop`, and tells its name then.
fn start_jobs(app: &App, stop: &CancellationToken) -> JoinSet<&'static str> {
    let mut jobs = JoinSet::new();
    let mut start = |name: &'static str, job: Pin<Box<dyn Future<Output = ()> + Send>>| {
        jobs.spawn(async move {
            job.await;
            name
        });
    };
    let (stop, rounds) = (|| stop.clone(), || app.rounds.clone());
    start(
        "the janitor",
        Box::pin(jobs::janitor::run(app.stores.clone(), app.clock.clone(), rounds(), stop())),
    );
    start("the closing of lost calls", Box::pin(jobs::lost_calls::run(app.results.clone(), stop())));
    start("the removal of deleted calls", Box::pin(jobs::custody::run(app.custodian.clone(), stop())));
    start("the removal of deleted tenants", Box::pin(app.undertaker.clone().run(stop())));
    start("the log of requests for configs", Box::pin(app.configs.log.clone().run(stop())));
    start("the finding of calls", Box::pin(app.digester.clone().run(stop())));
    start("the counting of calls", Box::pin(app.counting.clone().run(stop())));
    start("the latencies of vendors", Box::pin(app.latest.clone().run(rounds(), stop())));
    start("the trying of vendors", Box::pin(jobs::vendors::run(app.checks.clone(), rounds(), stop())));
    start("the relay", Box::pin(app.relay.clone().run(stop())));
    start("the upkeep of campaigns", Box::pin(app.call_desk.clone().run(stop())));
    start("the doing of jobs", Box::pin(app.runner.clone().run(stop())));
    start(
        "adding up the ledger",
        Box::pin(jobs::usage::run(app.roll_up.clone(), (app.coordination.clone(), rounds()), stop())),
    );
    start("the renewing of plans", Box::pin(jobs::plans::run(app.plans.clone(), stop())));
    start("the jobs of the calendar", Box::pin(app.timetable.clone().run(stop())));
    start(
        "the rotation of keys",
        Box::pin(jobs::rotation::run(app.vault.clone(), app.clock.clone(), stop())),
    );
    start("the sealing of recordings", Box::pin(jobs::sealing::run(app.recordings.clone(), stop())));
    start("the telling of events", Box::pin(app.herald.clone().run(stop())));
    if let Some(mut crier) = app.crier.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let stop = stop();
        start("the telling on channels", Box::pin(async move { crier.run(stop).await }));
    }
    start("the sending of webhooks", Box::pin(app.webhooks.post.clone().run(stop())));
    start("the hearing of changes", Box::pin(app.changes.clone().listen(stop())));
    start("the hearing of running calls", Box::pin(app.watch.live.clone().listen(stop())));
    start(
        "the making known of carriers",
        Box::pin(livekit::trunks::run(app.trunks.clone(), rounds(), stop())),
    );
    start("the polling of hosts", Box::pin(app.poller.clone().run(rounds(), stop())));
    jobs
}

/// The API, and the metrics where nobody else comes.
async fn serve_all(
    (api, metrics): (TcpListener, Option<TcpListener>),
    app: App,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let page = {
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            match metrics {
                Some(metrics) => {
                    serve(metrics, move || routes::metrics_page(&app), Serving::on_threads(1), stop).await
                }
                None => Ok(()),
            }
        }
    };
    let api = serve(api, move || routes::api(&app), Serving::on_threads(HTTP_THREADS), stop);
    tokio::try_join!(api, page).map(drop)
}

async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let bound = listener.local_addr().context("the listener has no address")?;
    Ok((listener, bound))
}

async fn listen_for_metrics(at: MetricsListen) -> anyhow::Result<Option<(TcpListener, SocketAddr)>> {
    match at {
        MetricsListen::Off => Ok(None),
        MetricsListen::Chosen(address) => listen(address).await.map(Some),
        MetricsListen::Usual(address) => match listen(address).await {
            Ok(listening) => Ok(Some(listening)),
            Err(error) => {
                tracing::warn!(%error, "no metrics: choose another VOX_BRIDGE_METRICS_LISTEN");
                Ok(None)
            }
        },
    }
}

/// The signals that end the process in good order. Made before anybody is told that the bridge is ready: one that comes
/// right then must not find the kernel's own answer still in place.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
        })
    }

    async fn first(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
