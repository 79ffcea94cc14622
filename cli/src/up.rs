//! `vox up`: the whole platform on one machine. The bridge on its embedded engines and the workers are child processes
//! that are started again when they die; callers come in through the dispatcher of this process.

mod backoff;
mod child;
mod greeting;
mod home;
mod log;
mod plan;
mod processes;
mod rehearsal;
mod signals;
mod start;
mod stop;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_shared::env::Env;
use vox_shared::ports::free_address;

use crate::arguments::UpArguments;
use crate::dispatch::{DispatchError, Dispatcher, Roster};
use crate::installation::Missing;
use crate::platform::PlatformError;
use crate::terminal::Terminal;
use child::Child;
use home::Home;
use processes::Campaigns;
use signals::Signals;

/// For a terminal that is read to show the last lines.
const LAST_LINES_DEADLINE: Duration = Duration::from_secs(1);

/// Why the platform is not up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(
        "a platform is already running on {data_dir}{told}: stop it first (Ctrl-C in its terminal, or kill its process), or use another --data-dir"
    )]
    Locked { data_dir: PathBuf, told: String },
    #[error("cannot use the data directory: {what} {path}")]
    DataDir { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} holds no usable secret: remove it, and a new one is made")]
    Secret { path: PathBuf },
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("{name} does not start: {last_words}\nmore in {log}; `vox doctor` checks this machine")]
    DoesNotStart { name: String, last_words: String, log: PathBuf },
    #[error("{name} was not ready within {} seconds; see {log}", .within.as_secs())]
    NotReady { name: String, within: Duration, log: PathBuf },
    #[error("the bridge's ready file {path} makes no sense: are `vox` and `vox-bridge` of one version?")]
    BridgeFile { path: PathBuf, source: serde_json::Error },
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error("loopback has no port left for the simulated carrier")]
    NoPort(#[source] io::Error),
    #[error("the simulated carrier could not be made known to the bridge")]
    Rehearsal(#[from] crate::campaign::ApiError),
    #[error("the bridge does not make the simulated carrier's trunk known: {0}")]
    NotSynced(String),
}

/// Everything that runs.
#[derive(Debug)]
struct Crew {
    bridge: Option<Child>,
    workers: Vec<Child>,
    /// A simulated one.
    carrier: Option<Child>,
    /// Where there is a LiveKit server.
    dialler: Option<Child>,
    roster: Roster,
    dispatching: JoinHandle<()>,
    stop_dispatching: CancellationToken,
    /// Where calls come in.
    calls_url: String,
}

impl Crew {
    /// With the dispatcher running and nobody to dispatch to.
    fn new(dispatcher: Dispatcher) -> Self {
        let stop_dispatching = CancellationToken::new();
        Self {
            bridge: None,
            workers: Vec::new(),
            carrier: None,
            dialler: None,
            roster: dispatcher.roster(),
            calls_url: format!("http://{}", dispatcher.address()),
            dispatching: tokio::spawn(dispatcher.run(stop_dispatching.clone())),
            stop_dispatching,
        }
    }

    fn children(&self) -> impl Iterator<Item = &Child> {
        self.workers.iter().chain(&self.bridge).chain(&self.carrier).chain(&self.dialler)
    }
}

/// Run until a signal comes.
pub async fn run(arguments: UpArguments, env: &Env) -> Result<ExitCode, UpError> {
    // Everything runs on this one thread: a terminal that is not read must not stop it.
    let terminal = Terminal::stdout(env).in_background();
    let outcome = run_on(&terminal, arguments, env).await;
    terminal.finish(LAST_LINES_DEADLINE);
    outcome
}

async fn run_on(terminal: &Terminal, arguments: UpArguments, env: &Env) -> Result<ExitCode, UpError> {
    let mut signals = Signals::listen().map_err(UpError::Signals)?;
    let campaigns = match (arguments.simulated_carrier, env.text(processes::LIVEKIT_URL)) {
        (true, _) => Campaigns::Simulated { port: free_address().map_err(UpError::NoPort)?.port() },
        (false, Some(_)) => Campaigns::Real,
        (false, None) => Campaigns::None,
    };
    let programs = processes::Programs::find(arguments.models_dir.as_deref(), campaigns)?;
    let home = Home::open(&arguments.data_dir)?;
    start::forget(&home, arguments.ready_file.as_deref())?;
    let dispatcher =
        Dispatcher::bind(&home.dispatch(arguments.port), crate::dispatch::Patience::default()).await?;
    let mut crew = Crew::new(dispatcher);
    let media_url = env.text(processes::MEDIA_URL);
    let plan = plan::Plan { programs, home: &home, arguments: &arguments, terminal, campaigns, media_url };
    let started = tokio::select! {
        started = start::start(&mut crew, &plan) => Some(started),
        () = signals.next() => None,
    };
    match started {
        Some(Ok(())) => signals.next().await,
        Some(Err(error)) => {
            stop::at_once(crew).await;
            return Err(error);
        }
        None => {}
    }
    Ok(stop::stop(crew, &mut signals, terminal).await)
}
