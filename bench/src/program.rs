//! A program of the platform that is started, killed, paused and started again on the same settings.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// A debug build on a busy machine needs a while.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_PAUSE: Duration = Duration::from_millis(10);
/// Of a log in an error.
const LOG_LINES: usize = 8;

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("{program} cannot be started; build it (cargo build --workspace --bins) or give --bin-dir")]
    Spawn { program: PathBuf, source: std::io::Error },
    #[error("{program} does not answer within {within:?}; its log ends:\n{log}")]
    NoAnswer { program: &'static str, within: Duration, log: String },
}

/// A program with its settings, so that it can be started again.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
    pub(crate) health: String,
    pub(crate) running: Option<Child>,
}

impl Program {
    pub(crate) fn spawn(&mut self) -> Result<(), ProgramError> {
        let failed = |source| ProgramError::Spawn { program: self.path.clone(), source };
        let log = File::options().create(true).append(true).open(&self.log).map_err(failed)?;
        // Nothing of this process's surroundings reaches the program.
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        self.running = Some(child);
        Ok(())
    }

    /// SIGKILL. The process is reaped, so that whoever looks for its lock finds it free.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            // It may have died by itself, which the next health check shows.
            let _dead_already = child.kill().await;
        }
    }

    pub(crate) async fn answers(&self, http: &reqwest::Client) -> Result<(), ProgramError> {
        let until = Instant::now() + ANSWER_WITHIN;
        while Instant::now() < until {
            let answer = http.get(&self.health).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            sleep(ANSWER_PAUSE).await;
        }
        let log = self.last_words();
        Err(ProgramError::NoAnswer { program: self.name, within: ANSWER_WITHIN, log })
    }

    pub(crate) async fn revive(
        &mut self,
        http: &reqwest::Client,
        dead: Duration,
    ) -> Result<(), ProgramError> {
        self.kill().await;
        sleep(dead).await;
        self.spawn()?;
        self.answers(http).await
    }

    /// Its id while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.as_ref()?.id()
    }

    /// Tell it something: to stand still, to go on, to end.
    pub(crate) fn signal(&self, signal: Signal) {
        // It has not been waited for, so its id is its own.
        if let Some(pid) = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            // One that has just ended by itself needs no signal.
            let _gone = kill_process(pid, signal);
        }
    }

    /// SIGTERM, and so long to end by itself; whether it did.
    pub(crate) async fn stop(&mut self, within: Duration) -> bool {
        self.signal(Signal::TERM);
        let Some(child) = &mut self.running else { return true };
        let ended = timeout(within, child.wait()).await.is_ok();
        self.kill().await;
        ended
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}
