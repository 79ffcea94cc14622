//! A worker process.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::bridge::secret;
use crate::names_server::furnish;

/// A worker in a test build needs so long at most to answer.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// To put everything away when no call is on.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// Lines of the log that a failing test shows.
const SHOWN_LINES: usize = 60;

/// A running `vox-core`. Killed when dropped.
pub struct Worker {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    addr: String,
    data: PathBuf,
}

impl Worker {
    /// Start one and wait until it answers.
    pub async fn start(data: &Path, bridge_url: &str, settings: &[(&str, &str)]) -> Self {
        // A file that has reached its size limit is to be a failed write, as a full disk is, and no signal.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\"", env!("CARGO_BIN_EXE_vox-core")]).env_clear();
        command.env("VOXCORE_DATA_DIR", data).env("VOX_MODELS_DIR", models());
        command.env("VOXCORE_SOCKET_DIR", data.join("sockets"));
        Self::run(command, data, bridge_url, settings).await
    }

    /// One that finds nothing of this machine but what is below this directory, and names by this DNS server. Wants root.
    pub async fn start_below(
        (root, nameserver): (&Path, Ipv4Addr),
        bridge_url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        furnish(root, Path::new(env!("CARGO_BIN_EXE_vox-core")), nameserver);
        std::fs::create_dir(root.join("models")).unwrap();
        for model in std::fs::read_dir(models()).expect("scripts/fetch-models.sh was run").flatten() {
            std::fs::copy(model.path(), root.join("models").join(model.file_name())).unwrap();
        }
        let mut command = Command::new("chroot");
        command.arg(root).arg("/vox-core").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("VOXCORE_DATA_DIR", "/data").env("VOX_MODELS_DIR", "/models");
        command.env("VOXCORE_SOCKET_DIR", "/data/sockets");
        Self::run(command, &root.join("data"), bridge_url, settings).await
    }

    async fn run(mut command: Command, data: &Path, bridge_url: &str, settings: &[(&str, &str)]) -> Self {
        command.env("VOXCORE_SECRET", secret()).env("VOX_BRIDGE_URL", bridge_url);
        command.env("VOX_EGRESS_ALLOW", "127.0.0.0/8");
        command.envs(settings.iter().copied()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (found, mut addr) = watch::channel(None);
        let stderr = child.stderr.take().expect("it is piped");
        tokio::spawn(read_log(BufReader::new(stderr), log.clone(), found));
        let answered = timeout(START_DEADLINE, addr.wait_for(Option::is_some)).await;
        let addr = match answered {
            Ok(Ok(addr)) => addr.clone().expect("it was waited for"),
            _ => panic!("the worker does not answer:\n{}", tail(&log)),
        };
        Self { child, log, addr, data: data.to_owned() }
    }

    /// Where calls go.
    pub fn url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// Where health is asked.
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it was not waited for")
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        tail(&self.log)
    }

    /// Ask it to stop, without waiting.
    pub fn terminate(&self) {
        kill_process(self.handle(), Signal::TERM).unwrap();
    }

    /// Kill it: nothing of it is put away.
    pub fn kill(&self) {
        kill_process(self.handle(), Signal::KILL).unwrap();
    }

    /// No file of it may grow past this size from now on: to it that is a full disk. `None` frees the disk again.
    pub fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        // It has inherited our own highest limit, which only the privileged may raise again.
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes.or(maximum), maximum };
        prlimit(Some(self.handle()), Resource::Fsize, limit).unwrap();
    }

    /// Wait for its end after [`Worker::terminate`]; it must say that all went well.
    pub async fn ended(&mut self) {
        let ended = timeout(STOP_DEADLINE, self.child.wait()).await;
        let status =
            ended.unwrap_or_else(|_| panic!("the worker does not stop:\n{}", tail(&self.log))).unwrap();
        assert!(status.success(), "{status}:\n{}", tail(&self.log));
        let panics = self.lines().into_iter().filter(|l| l.contains("panicked")).collect::<Vec<_>>();
        assert!(panics.is_empty(), "{panics:?}");
        assert_eq!(super::files_in(&self.data.join("sockets")), Vec::<String>::new(), "socket files");
    }

    pub async fn stop(&mut self) {
        if self.child.id().is_some() {
            self.terminate();
            self.ended().await;
        }
    }

    /// All of its log.
    pub fn whole_log(&self) -> String {
        self.lines().join("\n")
    }

    /// All of its log, line by line.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn handle(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _nobody_reads = writeln!(std::io::stderr(), "the worker's log:\n{}", tail(&self.log));
        }
    }
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn tail(log: &Mutex<Vec<String>>) -> String {
    let lines = log.lock().unwrap_or_else(PoisonError::into_inner);
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

async fn read_log(
    stderr: BufReader<tokio::process::ChildStderr>,
    log: Arc<Mutex<Vec<String>>>,
    found: watch::Sender<Option<String>>,
) {
    let mut lines = stderr.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
        if parsed["message"] == "the worker answers" {
            found.send_replace(parsed["data"]["addr"].as_str().map(str::to_owned));
        }
        log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
