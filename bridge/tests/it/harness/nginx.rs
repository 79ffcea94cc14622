//! nginx before several bridges, each in its turn.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

/// It ends with this value.
pub struct Nginx {
    pub url: String,
    // Before the child: its end is what ends nginx.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Nginx {
    pub fn before(servers: &[SocketAddr]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/nginx/run.sh");
        let mut child = Command::new(script)
            .arg("--until-eof")
            .args(servers.iter().map(SocketAddr::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{script}: {error}"));
        let mut lines =
            BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let url = lines.nth(1).and_then(|ready| Some(ready.strip_prefix("ready ")?.to_owned()));
        let Some(url) = url else {
            let mut told = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut told);
            panic!("no nginx for the tests: {told}\ninstall it: scripts/nginx/install.sh");
        };
        Self { url, stdin: child.stdin.take(), child }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}
