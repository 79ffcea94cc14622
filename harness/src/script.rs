//! A server as its script runs it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The first word of the last line that a script prints when its server answers: the rest is the address.
const READY: &str = "ready";

/// A running `scripts/NAME/run.sh`. Its server ends with this value.
pub struct Script {
    lines: Vec<String>,
    // Its end is what ends the server.
    input: Option<ChildStdin>,
    child: Child,
}

impl Script {
    /// Run `scripts/NAME/run.sh` with these options, and wait until its server answers.
    ///
    /// # Panics
    /// As [`Self::start`] fails.
    pub fn run(name: &str, options: &[&str]) -> Self {
        Self::start(name, options).unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`Self::run`], for whoever tells a person.
    ///
    /// # Errors
    /// With what the script said and how the server is installed, when it ends before.
    pub fn start(name: &str, options: &[&str]) -> Result<Self, String> {
        let path = Self::path(name);
        let mut child = Command::new(&path)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{path}: {error}"))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut lines = Vec::new();
        for line in output.lines().map_while(Result::ok) {
            let is_ready = line.split(' ').next() == Some(READY);
            lines.push(line);
            if is_ready {
                return Ok(Self { lines, input, child });
            }
        }
        let mut told = String::new();
        let _whatever_it_said = child.stderr.take().expect("it is piped").read_to_string(&mut told);
        let _ended = child.wait();
        Err(format!(
            "no {name} for the tests: {told}\nwhat is missing is installed by scripts/{name}/install.sh"
        ))
    }

    /// Where `scripts/NAME/run.sh` is.
    pub fn path(name: &str) -> String {
        format!("{}/../scripts/{name}/run.sh", env!("CARGO_MANIFEST_DIR"))
    }

    /// What it printed behind this word at the beginning of a line.
    ///
    /// # Panics
    /// When no line begins so.
    pub fn told(&self, first: &str) -> &str {
        let found = self.lines.iter().find_map(|line| line.strip_prefix(first)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no line that begins with {first}: {:?}", self.lines))
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        self.told(READY)
    }

    /// The port of that address, where nothing follows it.
    pub fn port(&self) -> u16 {
        let port = self.address().rsplit(':').next().and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("no port at the end of {}", self.address()))
    }

    /// The server's processes as the script named them, without those that they made.
    pub fn pids(&self) -> Vec<Pid> {
        let words = self.told("pids").split(' ').filter_map(|word| word.split_once('='));
        words.filter_map(|(_, pid)| Pid::from_raw(pid.parse().ok()?)).collect()
    }

    /// To each of these processes and those that they made: kill, stop, go on.
    pub fn signal(&self, signal: Signal) {
        signal_all(&self.pids(), signal);
    }
}

/// To each of them and the processes that it made: what a database server has begun for a connection would outlive it, and be in the way of
/// the next one.
pub fn signal_all(pids: &[Pid], signal: Signal) {
    let found = pids.iter().flat_map(|pid| {
        let of = pid.as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?));
        std::iter::once(*pid).chain(children).collect::<Vec<Pid>>()
    });
    // All are found before the first is killed.
    for pid in found.collect::<Vec<Pid>>() {
        // One that has ended meanwhile needs none.
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.input.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}
