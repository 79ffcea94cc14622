//! The vendor's own agent in Python, with the same vendors and callers: what its calls cost, all of its processes counted.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use vox_caller::Spread;
use vox_testkit::livekit::LiveKit;

use super::{MeasureError, Settings};
use crate::{
    calls::{Door, Entries, Ground, MIB, Road, Rooms, Summons, Talk, call_in_room, heard, plan},
    process::{cpu_time, descendants, memory},
};

/// All of its processes are ready within this; each of them loads for a second or two.
const START_DEADLINE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After the last process said that it is ready, until they count as idle.
const SETTLE: Duration = Duration::from_secs(3);
/// Over which the calls of a level begin.
const RAMP: Duration = Duration::from_secs(6);
/// For each call that began another process is made ready. Until that is over nothing is counted.
const REFILL: Duration = Duration::from_secs(4);
const REFILL_EACH: Duration = Duration::from_millis(800);
/// What its log says when a process is ready, when the server has it, and which process has a call.
const READY: &str = "process initialized";
const REGISTERED: &str = "registered worker";
const JOB: &str = "vox-bench job in process ";
const LOG_LINES: usize = 8;

/// Why there are no figures of it.
#[derive(Debug, Error)]
pub enum AgentError {
    #[error("there is no agent in {0}; install it: scripts/livekit/agent/install.sh {0}")]
    NotInstalled(PathBuf),
    #[error("{program} could not be started")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("the agent is not ready within {within:?}; the end of its log:\n{log}")]
    NotReady { within: Duration, log: String },
}

/// What was measured of it.
#[derive(Clone, Debug, Serialize)]
pub struct Agents {
    /// The agent, its plugins and their versions.
    pub versions: String,
    pub levels: Vec<AgentLevel>,
}

/// So many calls at once.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AgentLevel {
    pub calls: u32,
    pub window_seconds: f64,
    /// Percent of a core, all processes together, by the number of calls.
    pub cpu_per_call: f64,
    /// The LiveKit server's, percent of a core, in all.
    pub server: f64,
    /// MiB, all processes together, by the number of calls: while they wait for calls, and while they have them.
    pub idle_private_mib: f64,
    pub busy_private_mib: f64,
    /// Of each process that had a call.
    pub job_private_mib: Spread,
    pub entries: Entries,
    pub talk: Talk,
}

/// Measure it at these levels.
pub(super) async fn run(
    ground: &Ground,
    settings: &Settings,
    home: &Path,
    progress: &mut impl FnMut(&str),
) -> Result<Agents, MeasureError> {
    let python = home.join("bin/python");
    let versions =
        fs::read_to_string(home.join("versions")).map_err(|_| AgentError::NotInstalled(home.to_owned()))?;
    let script = settings.script.with_file_name("agent").join("agent.py");
    let mut levels = Vec::new();
    for &calls in &settings.agent_levels {
        progress(&format!("{calls} calls at once with the vendor's agent"));
        let server = LiveKit::start(&settings.script, &[]).await?;
        let door = Door::of(&server);
        let agent = Agent::start(&python, &script, &door, ground, calls).await?;
        let rooms = Rooms::new(door, server.pid, ground.secret())?;
        levels.push(Box::pin(level(ground, &agent, Arc::new(rooms), calls)).await?);
        drop(agent);
        server.stop().await;
    }
    Ok(Agents { versions: versions.trim().to_owned(), levels })
}

async fn level(
    ground: &Ground,
    agent: &Agent,
    rooms: Arc<Rooms>,
    calls: u32,
) -> Result<AgentLevel, MeasureError> {
    sleep(SETTLE).await;
    let idle = agent.private_mib();
    let ramp = RAMP * (calls - 1) / calls;
    let plan = plan(&Road::Room(rooms.clone()), calls, ramp, &ground.clips)?;
    let counted_from = Instant::now() + ramp + REFILL + REFILL_EACH * calls;
    let until = counted_from + ground.talk;
    let mut talking = JoinSet::new();
    for number in 0..calls {
        let starts = Instant::now() + ramp * number / calls;
        let (plan, rooms) = (plan.clone(), rooms.clone());
        talking.spawn(async move {
            sleep_until(starts).await;
            Box::pin(call_in_room(&rooms, &Summons::Itself, &plan, number, until)).await
        });
    }
    sleep_until(counted_from).await;
    let (from, pids) = (Instant::now(), agent.pids());
    let before: Vec<Duration> = pids.iter().map(|pid| cpu_time(*pid).unwrap_or_default()).collect();
    let server_before = cpu_time(rooms.pid).unwrap_or_default();
    sleep_until(until).await;
    let used: Duration = pids
        .iter()
        .zip(before)
        .map(|(pid, before)| cpu_time(*pid).unwrap_or_default().saturating_sub(before))
        .sum();
    let server_used = cpu_time(rooms.pid).unwrap_or_default().saturating_sub(server_before);
    let window = from.elapsed().as_secs_f64();
    let jobs = agent.jobs();
    let busy = agent.private_mib_of(std::iter::once(agent.pid()).chain(jobs.iter().copied()));
    let job_private_mib = Spread::of(jobs.iter().map(|pid| agent.private_mib_of([*pid])).collect());
    let outcomes = talking.join_all().await;
    Ok(AgentLevel {
        calls,
        window_seconds: window,
        cpu_per_call: 100.0 * used.as_secs_f64() / window / f64::from(calls),
        server: 100.0 * server_used.as_secs_f64() / window,
        idle_private_mib: idle / f64::from(calls),
        busy_private_mib: busy / f64::from(calls),
        job_private_mib,
        entries: rooms.take_entries(),
        talk: heard(&outcomes, &ground.delays),
    })
}

/// The agent's processes; killed when dropped.
struct Agent {
    group: Option<Pid>,
    log: PathBuf,
    _child: Child,
}

impl Agent {
    /// Start it with a process ready for each call, and wait until they are.
    async fn start(
        python: &Path,
        script: &Path,
        door: &Door,
        ground: &Ground,
        calls: u32,
    ) -> Result<Self, MeasureError> {
        let path = ground.work().join(format!("agent-{calls}.log"));
        let log = File::create(&path)?;
        let failed = |source| AgentError::Spawn { program: python.to_owned(), source };
        let child = Command::new(python)
            .arg(script)
            .arg("start")
            .env_clear()
            .envs(door.settings())
            .envs(ground.vendors.settings())
            .env("BENCH_CALLS", calls.to_string())
            .env("HOME", ground.work())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let mut agent = Self { group, log: path, _child: child };
        agent.is_ready(calls as usize).await?;
        Ok(agent)
    }

    async fn is_ready(&mut self, calls: usize) -> Result<(), AgentError> {
        let until = Instant::now() + START_DEADLINE;
        while Instant::now() < until && self._child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let log = self.log();
            if log.contains(REGISTERED) && log.lines().filter(|line| line.contains(READY)).count() >= calls {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Err(AgentError::NotReady { within: START_DEADLINE, log })
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn pid(&self) -> u32 {
        self.group.map_or(0, |pid| pid.as_raw_nonzero().get().cast_unsigned())
    }

    fn pids(&self) -> Vec<u32> {
        let mut pids = descendants(self.pid());
        pids.push(self.pid());
        pids
    }

    /// The processes that had calls.
    fn jobs(&self) -> Vec<u32> {
        let log = self.log();
        let pid_of = |line: &str| {
            let rest = line.split_once(JOB)?.1;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        log.lines().filter_map(pid_of).collect()
    }

    fn private_mib(&self) -> f64 {
        self.private_mib_of(self.pids())
    }

    fn private_mib_of(&self, pids: impl IntoIterator<Item = u32>) -> f64 {
        pids.into_iter().filter_map(memory).map(|memory| memory.private as f64 / MIB).sum()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // It may have ended by itself.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}
