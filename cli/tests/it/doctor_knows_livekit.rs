//! `vox doctor` asks a real LiveKit server: whether it takes our tokens, what its clock says, and whether it knows telephones.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use crate::platform::vox;

/// A server of `scripts/NAME/run.sh`, which ends with this value.
struct Server {
    lines: Vec<String>,
    // Before the child: its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Server {
    fn start(name: &str, options: &[&str]) -> Self {
        let script = format!("{}/../scripts/{name}/run.sh", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(&script)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{script}: {error}"));
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let is_ready = line.starts_with("ready ");
            lines.push(line);
            if is_ready {
                return Self { lines, stdin: child.stdin.take(), child };
            }
        }
        let ended = child.wait();
        panic!("{script} did not start ({ended:?}); what is wrong is told above");
    }

    /// The words of a line after its first.
    fn told(&self, first: &str) -> Vec<&str> {
        let line = self.lines.iter().find(|line| line.starts_with(first)).unwrap();
        line.split(' ').skip(1).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// The findings about LiveKit by their names.
fn examine(settings: &[(&str, &str)]) -> HashMap<String, Value> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = vox();
    command.args(["doctor", "--json", "--data-dir"]).arg(directory.path());
    let output = command.envs(settings.iter().copied()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    let named = findings.map(|finding| (finding["name"].as_str().unwrap().to_owned(), finding.clone()));
    named.filter(|(name, _)| name.starts_with("LiveKit")).collect()
}

#[test]
fn a_server_is_asked_for_all_that_a_call_needs() {
    let redis = Server::start("redis", &[]);
    let address = redis.told("ready")[0].trim_start_matches("redis://").to_owned();
    for (options, telephones, told) in
        [(vec!["--redis", address.as_str()], "ok", "calls come: 0"), (vec![], "warn", "without Redis")]
    {
        let server = Server::start("livekit", &options);
        let (keys, url) = (server.told("keys"), server.told("ready")[0]);
        let good = [("LIVEKIT_URL", url), ("LIVEKIT_API_KEY", keys[0]), ("LIVEKIT_API_SECRET", keys[1])];
        let found = examine(&good);
        for name in ["LiveKit", "LiveKit's clock", "LiveKit's key"] {
            assert_eq!(found[name]["level"], "ok", "{found:?}");
        }
        assert_eq!(found["LiveKit's telephones"]["level"], telephones);
        assert!(found["LiveKit's telephones"]["detail"].as_str().unwrap().contains(told), "{found:?}");
        let wrong = [good[0], good[1], ("LIVEKIT_API_SECRET", "another secret of thirty-two chars")];
        let found = examine(&wrong);
        assert_eq!(found["LiveKit's key"]["level"], "fail");
        assert!(found["LiveKit's key"]["mend"].as_str().unwrap().contains("LIVEKIT_API_SECRET"));
        assert!(!format!("{found:?}").contains("eyJ"), "no token is shown");
    }
    assert_eq!(examine(&[])["LiveKit"]["level"], "ok", "none is needed");
}
