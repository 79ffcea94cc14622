//! A Redis server for one test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A fresh server, which ends with this value. It may be killed and paused.
pub struct RedisServer {
    pub port: u16,
    pid: Pid,
    // Before the child: its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same address again, as after a restart.
    pub fn on(port: u16) -> Self {
        Self::with(&["--port", &port.to_string()])
    }

    /// `options` go to its script.
    pub fn with(options: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/redis/run.sh");
        let mut child = Command::new(script)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{script}: {error}"));
        let mut lines =
            BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let (Some(pids), Some(ready)) = (lines.next(), lines.next()) else {
            let mut told = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut told);
            panic!("no Redis for the tests: {told}\ninstall it: scripts/redis/install.sh");
        };
        let number = |line: &str, mark: char| line.rsplit(mark).next().and_then(|n| n.parse().ok());
        let pid = number(&pids, '=').and_then(Pid::from_raw).expect("the first line says which process");
        let port =
            number(&ready, ':').and_then(|n| u16::try_from(n).ok()).expect("the second line says where");
        Self { port, pid, stdin: child.stdin.take(), child }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn signal(&self, signal: Signal) {
        // One that has ended meanwhile needs none.
        let _ = kill_process(self.pid, signal);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}
