//! A process that is kept running until it is told to stop.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::log::Log;
use crate::terminal::Terminal;

/// For the rest of a dead process's log.
const LOG_DEADLINE: Duration = Duration::from_secs(1);

/// How to start a process.
#[derive(Clone, Debug)]
pub struct Spec {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Variables it gets besides ours.
    pub set: BTreeMap<&'static str, OsString>,
    /// Variables of ours that it does not get.
    pub unset: Vec<&'static str>,
}

/// What shall become of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Run,
    /// End by itself, with what it has to finish.
    Stop,
    /// End now, with everything it has started.
    Kill,
}

/// How it goes.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// How often it has died without being told to.
    pub deaths: u32,
    /// What it said before it last did.
    pub last_words: String,
    /// It was told to end and has.
    pub is_over: bool,
}

/// A supervised process. Dropping it ends the process.
#[derive(Debug)]
pub struct Child {
    pub name: String,
    /// Where its log is.
    pub log: PathBuf,
    spec: watch::Sender<Spec>,
    wish: watch::Sender<Wish>,
    progress: watch::Receiver<Progress>,
}

impl Child {
    /// Start it, and start it again whenever it dies.
    pub fn start(name: &str, spec: Spec, log_file: &Path, terminal: &Terminal) -> std::io::Result<Self> {
        let log = Log::open(name, log_file, terminal.clone())?;
        let (spec, specs) = watch::channel(spec);
        let (wish, wishes) = watch::channel(Wish::Run);
        let (told, progress) = watch::channel(Progress::default());
        let keeper = Keeper { name: name.to_owned(), specs, wishes, told, log, terminal: terminal.clone() };
        tokio::spawn(keeper.keep());
        Ok(Self { name: name.to_owned(), log: log_file.to_owned(), spec, wish, progress })
    }

    /// What becomes of it from now on. A stop that was already wished for can only become a kill.
    pub fn wish(&self, wish: Wish) {
        self.wish.send_if_modified(|old| {
            let is_news = *old != Wish::Kill && *old != wish;
            if is_news {
                *old = wish;
            }
            is_news
        });
    }

    /// Change a variable for the next start.
    pub fn set(&self, name: &'static str, value: OsString) {
        self.spec.send_modify(|spec| {
            spec.set.insert(name, value);
        });
    }

    /// How it goes now.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Wait until it has died so often; for ever if it does not.
    pub async fn died(&self, times: u32) -> Progress {
        self.wait(|progress| progress.deaths >= times).await
    }

    /// Wait until it has ended as it was told to.
    pub async fn over(&self) {
        self.wait(|progress| progress.is_over).await;
    }

    async fn wait(&self, until: impl FnMut(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        // The keeper ends only after it has said that all is over.
        progress.wait_for(until).await.map(|progress| progress.clone()).unwrap_or_default()
    }
}

struct Keeper {
    name: String,
    specs: watch::Receiver<Spec>,
    wishes: watch::Receiver<Wish>,
    told: watch::Sender<Progress>,
    log: Log,
    terminal: Terminal,
}

impl Keeper {
    async fn keep(mut self) {
        let mut backoff = Backoff::default();
        while self.is_wanted() {
            let started = Instant::now();
            let end = self.run_once().await;
            if !self.is_wanted() {
                break;
            }
            let pause = backoff.after(started.elapsed());
            self.terminal.warning(&format!(
                "{} ended by itself ({end}); starting it again in {:.1} s",
                self.name,
                pause.as_secs_f64()
            ));
            let last_words = self.log.last_words();
            self.told.send_modify(|progress| {
                progress.deaths += 1;
                progress.last_words = if last_words.is_empty() { end } else { last_words };
            });
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.wishes.wait_for(|wish| *wish != Wish::Run) => {}
            }
        }
        self.told.send_modify(|progress| progress.is_over = true);
    }

    /// The owner still holds the child and wishes it to run.
    fn is_wanted(&self) -> bool {
        self.wishes.has_changed().is_ok() && *self.wishes.borrow() == Wish::Run
    }

    /// One life of the process; says how it ended.
    async fn run_once(&mut self) -> String {
        self.log.forget_last_words();
        let spec = self.specs.borrow_and_update().clone();
        let mut child = match command(&spec).spawn() {
            Ok(child) => child,
            Err(error) => return format!("{} cannot be started: {error}", spec.program.display()),
        };
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let errors = child.stderr.take().expect("it was asked for a pipe");
        let mut pump = pin!(self.log.pump(errors));
        let mut pumping = true;
        let end = loop {
            tokio::select! {
                end = child.wait() => break end,
                () = &mut pump, if pumping => pumping = false,
                changed = self.wishes.changed() => {
                    let wish = if changed.is_ok() { *self.wishes.borrow() } else { Wish::Kill };
                    tell(pid, wish);
                    if changed.is_err() {
                        break child.wait().await;
                    }
                }
            }
        };
        if pumping {
            // A grandchild may hold the pipe open; what it says is not waited for.
            let _ = timeout(LOG_DEADLINE, pump).await;
        }
        end.map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

/// In a process group of its own: a Ctrl-C at the terminal is for us, and we tell the children in the right order.
fn command(spec: &Spec) -> Command {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .envs(&spec.set)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for name in &spec.unset {
        command.env_remove(name);
    }
    command
}

/// The process was not waited for yet, so its id is still its own.
fn tell(pid: Option<Pid>, wish: Wish) {
    let Some(pid) = pid else { return };
    // One that has just ended by itself needs no signal.
    let _ = match wish {
        Wish::Run => Ok(()),
        Wish::Stop => kill_process(pid, Signal::TERM),
        Wish::Kill => kill_process_group(pid, Signal::KILL),
    };
}

#[cfg(test)]
mod tests {
    use vox_shared::env::Env;

    use super::*;

    struct Lab {
        directory: tempfile::TempDir,
    }

    impl Lab {
        fn new() -> Self {
            Self { directory: tempfile::tempdir().unwrap() }
        }

        fn start(&self, script: &str) -> Child {
            let spec = Spec {
                program: "/bin/sh".into(),
                arguments: vec!["-c".into(), script.into()],
                set: BTreeMap::from([("LIVES", self.directory.path().join("lives").into())]),
                unset: Vec::new(),
            };
            let terminal = Terminal::stderr(&Env::from_vars([]));
            Child::start("sh", spec, &self.directory.path().join("sh.log"), &terminal).unwrap()
        }

        async fn lives(&self, count: usize) {
            let path = self.directory.path().join("lives");
            let enough = async {
                while std::fs::read_to_string(&path).unwrap_or_default().lines().count() < count {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(Duration::from_secs(10), enough).await.expect("it lives so often");
        }
    }

    async fn within<T>(what: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(10), what).await.expect("in time")
    }

    #[tokio::test]
    async fn a_child_that_dies_is_started_again_and_its_last_words_are_kept() {
        let lab = Lab::new();
        let child = lab.start("echo x >> $LIVES; echo no luck >&2; exit 3");
        let progress = within(child.died(2)).await;
        assert_eq!(progress.last_words, "no luck");
        lab.lives(2).await;
        child.wish(Wish::Stop);
        within(child.over()).await;
    }

    #[tokio::test]
    async fn a_stop_lets_it_finish_and_a_kill_does_not() {
        let lab = Lab::new();
        let child = lab.start(
            "trap 'echo finished >> $LIVES; exit 0' TERM; echo x >> $LIVES; while :; do sleep 0.01; done",
        );
        lab.lives(1).await;
        child.wish(Wish::Stop);
        within(child.over()).await;
        assert_eq!(std::fs::read_to_string(lab.directory.path().join("lives")).unwrap(), "x\nfinished\n");
        assert_eq!(child.progress().deaths, 0);

        let lab = Lab::new();
        let child = lab.start("trap '' TERM; echo x >> $LIVES; while :; do sleep 0.01; done");
        lab.lives(1).await;
        child.wish(Wish::Stop);
        child.wish(Wish::Kill);
        within(child.over()).await;
    }
}
