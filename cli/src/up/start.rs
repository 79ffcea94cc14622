//! From nothing to a platform that can answer calls.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use url::Url;
use vox_engines::{EngineBinary, EngineKind, check};

use super::child::{Child, Progress};
use super::home::Home;
use super::plan::Plan;
use super::processes::{BRIDGE_ADDR, Campaigns, MEDIA_URL, bridge_addr, simulated_livekit, worker_name};
use super::{Crew, UpError, greeting, rehearsal};
use crate::platform::{BotName, Platform};

/// For the bridge to listen: a first start hashes a password and writes a database.
const BRIDGE_DEADLINE: Duration = Duration::from_secs(30);
/// For all workers to be free: they map their models and mend their outboxes first.
const WORKERS_DEADLINE: Duration = Duration::from_secs(30);
/// A child that dies so often before it was ever ready will not start.
const MAX_DEATHS: u32 = 3;
const READY_FILE_PAUSE: Duration = Duration::from_millis(25);
/// The first login, below the bridge's directory, until the password is changed.
const FIRST_LOGIN: &str = "first-login.json";

/// What the bridge says when it listens.
#[derive(Deserialize)]
struct BridgeReady {
    bridge_url: String,
    admin_email: String,
    /// Only after the start that made it.
    admin_password: Option<SecretString>,
    bots: Vec<BotName>,
}

#[derive(Deserialize)]
struct FirstLogin {
    password: SecretString,
}

/// Take back what an earlier platform told of itself: whoever finds these files may use what they say.
pub fn forget(home: &Home, ready_file: Option<&Path>) -> Result<(), UpError> {
    home.forget_running();
    match ready_file.map(|path| (path, fs::remove_file(path))) {
        Some((path, Err(source))) if source.kind() != io::ErrorKind::NotFound => {
            Err(UpError::DataDir { what: "cannot remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Start everything, wait until calls can be answered, and tell.
pub async fn start(crew: &mut Crew, plan: &Plan<'_>) -> Result<(), UpError> {
    let ready = start_bridge(crew, plan).await?;
    let missing = match plan.campaigns {
        Campaigns::Simulated { port } => {
            start_carrier(crew, plan, (&ready.bridge_url, port))?;
            rehearsal::listens(port).await;
            Vec::new()
        }
        Campaigns::None | Campaigns::Real => {
            start_workers(crew, plan, &ready.bridge_url)?;
            let (free, missing) = tokio::join!(wait_for_workers(crew, plan), missing_engines(plan));
            free?;
            missing
        }
    };
    start_dialler(crew, plan, &ready.bridge_url)?;
    let is_first = ready.admin_password.is_some();
    let platform = Platform {
        calls_url: crew.calls_url.clone(),
        admin_password: ready.admin_password.or_else(|| first_password(plan.home)),
        internal_secret: plan.home.tools_secret()?,
        bridge_url: ready.bridge_url,
        admin_email: ready.admin_email,
        bots: ready.bots,
    };
    if matches!(plan.campaigns, Campaigns::Simulated { .. }) {
        rehearsal::prepare(&platform, plan.terminal).await?;
    }
    platform.write(&plan.home.up_file())?;
    if let Some(path) = &plan.arguments.ready_file {
        platform.write(path)?;
    }
    greeting::print(&platform, plan, is_first);
    missing.iter().for_each(|text| plan.terminal.warning(text));
    Ok(())
}

async fn start_bridge(crew: &mut Crew, plan: &Plan<'_>) -> Result<BridgeReady, UpError> {
    let home = plan.home;
    let mut spec = plan.programs.bridge(home, plan.arguments.bridge_port);
    if plan.media_url.is_none() {
        // Pages with a widget are told to open their lines where calls come in.
        spec.set.insert(MEDIA_URL, crew.calls_url.replacen("http", "ws", 1).into());
    }
    if let Campaigns::Simulated { port } = plan.campaigns {
        simulated_livekit(&mut spec, home, port);
    }
    let bridge = &*crew.bridge.insert(start_child(plan, "bridge", spec)?);
    let path = home.bridge_file();
    let text = tokio::select! {
        text = timeout(BRIDGE_DEADLINE, appears(&path)) => text.map_err(|_| not_ready(bridge, BRIDGE_DEADLINE))?,
        progress = bridge.died(MAX_DEATHS) => return Err(does_not_start(bridge, progress)),
    };
    let ready: BridgeReady =
        serde_json::from_slice(&text).map_err(|source| UpError::BridgeFile { path, source })?;
    // The workers know this address: a bridge that is started again must have it too.
    if let Some(port) = Url::parse(&ready.bridge_url).ok().and_then(|url| url.port()) {
        bridge.set(BRIDGE_ADDR, bridge_addr(port));
    }
    Ok(ready)
}

/// The file is renamed into place, so what is there is whole.
async fn appears(path: &Path) -> Vec<u8> {
    loop {
        if let Ok(text) = fs::read(path) {
            return text;
        }
        sleep(READY_FILE_PAUSE).await;
    }
}

fn start_workers(crew: &mut Crew, plan: &Plan<'_>, bridge_url: &str) -> Result<(), UpError> {
    let count = plan.arguments.workers;
    for number in 1..=count {
        let spec = plan.programs.worker(plan.home, number, count, bridge_url);
        crew.workers.push(start_child(plan, &worker_name(number), spec)?);
    }
    Ok(())
}

/// Where there is a LiveKit server, campaigns can run. Nobody waits for it: calls do not need it.
fn start_dialler(crew: &mut Crew, plan: &Plan<'_>, bridge_url: &str) -> Result<(), UpError> {
    if plan.campaigns == Campaigns::None {
        return Ok(());
    }
    let spec = plan.programs.dialler(plan.home, bridge_url).map(|mut spec| {
        if let Campaigns::Simulated { port } = plan.campaigns {
            simulated_livekit(&mut spec, plan.home, port);
        }
        spec
    });
    match spec {
        Some(spec) => crew.dialler = Some(start_child(plan, "dialler", spec)?),
        None => plan.terminal.warning(
            "campaigns will not run: vox-dialler is not beside this program; build it with `cargo build --release --workspace --bins`",
        ),
    }
    Ok(())
}

/// The simulated carrier, and its workers instead of ours.
fn start_carrier(crew: &mut Crew, plan: &Plan<'_>, (bridge_url, port): (&str, u16)) -> Result<(), UpError> {
    let arguments = plan.arguments;
    let spec = plan.programs.carrier(plan.home, port, (bridge_url, arguments.workers, arguments.speed));
    if let Some(spec) = spec {
        crew.carrier = Some(start_child(plan, "carrier", spec)?);
    }
    Ok(())
}

fn start_child(plan: &Plan<'_>, name: &str, spec: super::child::Spec) -> Result<Child, UpError> {
    let log = plan.home.log_file(name);
    Child::start(name, spec, &log, plan.terminal).map_err(|source| UpError::DataDir {
        what: "cannot open the log",
        path: log,
        source,
    })
}

/// All of them free; or, when time is up, at least one.
async fn wait_for_workers(crew: &Crew, plan: &Plan<'_>) -> Result<(), UpError> {
    let wanted = crew.workers.len();
    let mut counts = crew.roster.watch();
    let died = one_that_does_not_start(&crew.workers);
    let all = async { counts.wait_for(|counts| counts.free + counts.busy >= wanted).await.map(|_| ()) };
    tokio::select! {
        ready = timeout(WORKERS_DEADLINE, all) => {
            if ready.is_ok() {
                return Ok(());
            }
        }
        (worker, progress) = died => return Err(does_not_start(worker, progress)),
    }
    let free = crew.roster.watch().borrow().free;
    if free == 0 {
        return Err(not_ready(&crew.workers[0], WORKERS_DEADLINE));
    }
    plan.terminal.warning(&format!("only {free} of {wanted} workers are ready; the others may still come"));
    Ok(())
}

/// The first worker that will not start.
async fn one_that_does_not_start(workers: &[Child]) -> (&Child, Progress) {
    loop {
        for worker in workers {
            let progress = worker.progress();
            if progress.deaths >= MAX_DEATHS {
                return (worker, progress);
            }
        }
        sleep(READY_FILE_PAUSE).await;
    }
}

/// What the local engines lack: bots with cloud vendors work without them, the demo bots do not.
async fn missing_engines(plan: &Plan<'_>) -> Vec<String> {
    let Ok(binary) = EngineBinary::at(&plan.programs.engine) else { return Vec::new() };
    let (voice, recogniser) =
        tokio::join!(check(&binary, EngineKind::Flite), check(&binary, EngineKind::Pocketsphinx));
    let told = |error: vox_engines::EngineError| format!("the demo bots will not work: {error}");
    [voice, recogniser].into_iter().filter_map(Result::err).map(told).collect()
}

fn first_password(home: &Home) -> Option<SecretString> {
    let text = fs::read(home.bridge_dir().join(FIRST_LOGIN)).ok()?;
    Some(serde_json::from_slice::<FirstLogin>(&text).ok()?.password)
}

fn does_not_start(child: &Child, progress: Progress) -> UpError {
    let (name, log) = (child.name.clone(), child.log.clone());
    UpError::DoesNotStart { name, last_words: progress.last_words, log }
}

fn not_ready(child: &Child, within: Duration) -> UpError {
    UpError::NotReady { name: child.name.clone(), within, log: child.log.clone() }
}
