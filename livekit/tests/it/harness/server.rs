//! A LiveKit server for one test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vox_livekit::AccessToken;

/// A fresh server, which ends with this value.
pub struct LiveKit {
    pub url: String,
    pub key: String,
    pub secret: String,
    // Before the child: its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl LiveKit {
    pub fn start() -> Self {
        Self::with(&[])
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
        let (Some(_pids), Some(keys), Some(ready)) = (lines.next(), lines.next(), lines.next()) else {
            let mut told = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut told);
            panic!("no LiveKit for the tests: {told}\ninstall it: scripts/livekit/install.sh");
        };
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (keys, ready) = (words(&keys), words(&ready));
        Self {
            url: ready[1].clone(),
            key: keys[1].clone(),
            secret: keys[2].clone(),
            stdin: child.stdin.take(),
            child,
        }
    }

    /// End it without a word, and start another one at the same address with the same keys.
    pub fn restart(self) -> Self {
        let (url, secret) = (self.url.clone(), self.secret.clone());
        drop(self);
        let port = url.rsplit(':').next().expect("an address has a port").to_owned();
        Self::with(&["--port", &port, "--secret", &secret])
    }

    pub fn token(&self, room: &str, identity: &str) -> String {
        self.sign(&AccessToken::new(room, identity))
    }

    pub fn sign(&self, token: &AccessToken) -> String {
        #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        token.sign(&self.key, &self.secret, now, Duration::from_secs(600))
    }
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}
