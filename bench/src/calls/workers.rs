//! Real workers: started, waited for, and timed while they start.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};
use vox_shared::{ids::WorkerId, ports::free_address};

use super::{BenchError, plane::Plane};
use crate::process::cpu_time_of_threads;

/// All workers of a level have registered within this, on a machine that is busy with starting them.
const START_DEADLINE: Duration = Duration::from_secs(60);
const HEALTH_DEADLINE: Duration = Duration::from_secs(20);
/// Between two attempts to reach a worker that is not there yet.
const HEALTH_PAUSE: Duration = Duration::from_millis(1);
/// Of a worker's log in an error.
const LOG_LINES: usize = 5;

/// How workers are started.
#[derive(Clone)]
pub(crate) struct Nursery {
    pub(crate) core: PathBuf,
    pub(crate) models: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) bridge_url: String,
    pub(crate) secret: SecretString,
    /// Settings besides those that every worker needs.
    pub(crate) more: Vec<(&'static str, String)>,
}

/// A worker that answers. Killed when dropped.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) pid: u32,
    pub(crate) address: String,
    _child: Child,
}

/// One cold start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColdStart {
    /// From the start of the process to the answer of `/health`.
    pub(super) ready: Duration,
    /// Processor time until then.
    pub(super) cpu: Option<Duration>,
}

impl Nursery {
    /// Start `count` workers that share `data`, and wait until each has registered.
    pub(crate) async fn start(
        &self,
        count: u32,
        data: &Path,
        plane: &Plane,
    ) -> Result<Vec<Worker>, BenchError> {
        let born = (0..count).map(|_| self.spawn(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        let born = born.collect::<Result<Vec<_>, _>>()?;
        let all_there = plane
            .wait_for(START_DEADLINE, |told| born.iter().all(|(id, _)| told.workers.contains_key(id)))
            .await;
        if !all_there {
            let missing = born.iter().find(|(id, _)| plane.address_of(id).is_none());
            let log = missing.map(|(id, _)| self.last_words(id)).unwrap_or_default();
            return Err(BenchError::NoWorker { log });
        }
        let worker = |(id, child): (WorkerId, Child)| {
            let died = || BenchError::NoWorker { log: self.last_words(&id) };
            let address = plane.address_of(&id).ok_or_else(died)?;
            let pid = child.id().ok_or_else(died)?;
            Ok(Worker { pid, address, _child: child, id })
        };
        born.into_iter().map(worker).collect()
    }

    /// Start one worker and time it until it answers, then stop it.
    pub(super) async fn cold_start(&self, data: &Path) -> Result<ColdStart, BenchError> {
        let addr = free_address()?;
        let began = Instant::now();
        let (id, mut child) = self.spawn(data, addr)?;
        let answered = timeout(HEALTH_DEADLINE, async {
            while !is_healthy(addr).await {
                sleep(HEALTH_PAUSE).await;
            }
            began.elapsed()
        })
        .await;
        let cpu = child.id().and_then(cpu_time_of_threads);
        child.kill().await?;
        let ready = answered.map_err(|_| BenchError::NoWorker { log: self.last_words(&id) })?;
        Ok(ColdStart { ready, cpu })
    }

    /// Nothing of this process's surroundings reaches the worker: a setting of the operator's would change what is
    /// measured.
    fn spawn(&self, data: &Path, addr: SocketAddr) -> Result<(WorkerId, Child), BenchError> {
        let id = WorkerId::generate();
        let log = File::create(self.log_of(&id))?;
        let child = Command::new(&self.core)
            .env_clear()
            .env("VOXCORE_WORKER_ID", id.as_str())
            .env("VOXCORE_ADDR", addr.to_string())
            .env("VOXCORE_DATA_DIR", data)
            .env("VOX_MODELS_DIR", &self.models)
            .env("VOX_BRIDGE_URL", &self.bridge_url)
            .env("VOXCORE_SECRET", self.secret.expose_secret())
            .env("VOX_EGRESS_ALLOW", "127.0.0.0/8")
            .env("VOXCORE_PARENT_DEATH", "1")
            .envs(self.more.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| BenchError::Spawn { program: self.core.clone(), source })?;
        Ok((id, child))
    }

    pub(crate) fn log_of(&self, worker: &WorkerId) -> PathBuf {
        self.logs.join(format!("{worker}.log"))
    }

    /// The end of a worker's log: why it is not there.
    fn last_words(&self, worker: &WorkerId) -> String {
        let log = fs::read_to_string(self.log_of(worker)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

/// One request on a connection of its own, without a client's pool to set up.
async fn is_healthy(addr: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        io::Result::Ok(head)
    };
    ask.await.is_ok_and(|head| &head == b"HTTP/1.1 200")
}
