//! A LiveKit server for one test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use vox_shared::livekit::LiveKitSettings;

use super::redis::RedisServer;

/// A fresh server, which ends with this value. It may be paused and killed.
pub struct LiveKitServer {
    pub url: String,
    pub key: String,
    pub secret: String,
    pid: Pid,
    // Before the child: its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl LiveKitServer {
    /// One that knows no telephones.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that keeps trunks and rules in Redis.
    pub fn over(redis: &RedisServer) -> Self {
        Self::with(&["--redis", &format!("127.0.0.1:{}", redis.port)])
    }

    /// `options` go to its script.
    pub fn with(options: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/livekit/run.sh");
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
        let (Some(pids), Some(keys), Some(ready)) = (lines.next(), lines.next(), lines.next()) else {
            let mut told = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut told);
            panic!("no LiveKit for the tests: {told}\ninstall it: scripts/livekit/install.sh");
        };
        let mut keys = keys.split(' ').skip(1).map(str::to_owned);
        let pid = pids.rsplit('=').next().and_then(|n| n.parse().ok()).and_then(Pid::from_raw);
        Self {
            url: ready.rsplit(' ').next().expect("the third line says where").to_owned(),
            key: keys.next().expect("the second line says by which key"),
            secret: keys.next().expect("the second line says by which secret"),
            pid: pid.expect("the first line says which process"),
            stdin: child.stdin.take(),
            child,
        }
    }

    pub fn settings(&self) -> LiveKitSettings {
        settings(&self.url, (&self.key, &self.secret))
    }

    pub fn signal(&self, signal: Signal) {
        // One that has ended meanwhile needs none.
        let _ = kill_process(self.pid, signal);
    }
}

impl Drop for LiveKitServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}

/// Of a server at this address, whether there is one or not.
pub fn settings(url: &str, (key, secret): (&str, &str)) -> LiveKitSettings {
    let url: reqwest::Url = url.parse().unwrap();
    LiveKitSettings { public_url: url.clone(), url, key: key.into(), secret: secret.into() }
}
