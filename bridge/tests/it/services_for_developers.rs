//! `scripts/services` starts what a bridge needs, once, and a bridge runs with the settings that it prints and no other.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{client, json};

const START_DEADLINE: Duration = Duration::from_secs(60);
/// The object server takes seconds to start, and other tests use it.
const ONLY: &str = "mongodb,redis";

/// Stopped, with their data, when dropped.
struct Services(PathBuf);

impl Services {
    fn ask(&self, what: &str, more: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
        let mut command = Command::new(script);
        command.arg(what).arg("--data").arg(&self.0).args(["--only", ONLY]).args(more).stdin(Stdio::null());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    fn told(&self, what: &str) -> Vec<String> {
        String::from_utf8(self.ask(what, &[]).stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.ask("down", &["--remove-data"]);
    }
}

#[tokio::test]
async fn a_bridge_runs_with_the_printed_settings() {
    let place = tempfile::tempdir().unwrap();
    let services = Services(place.path().join("services"));
    let settings = services.told("up");
    assert_eq!(services.told("up"), settings, "what runs is left as it is");
    assert!(services.told("status").iter().all(|line| line.contains(" up ")));

    let ready_file = place.path().join("ready.json");
    let settings = settings.iter().map(|line| {
        let (name, value) = line.split_once('=').unwrap();
        (name, value.trim_matches('\''))
    });
    let mut bridge = tokio::process::Command::new(env!("CARGO_BIN_EXE_vox-bridge"));
    bridge.arg("--ready-file").arg(&ready_file).env_clear().envs(settings).kill_on_drop(true);
    bridge.env("VOX_BRIDGE_ADDR", "127.0.0.1:0").env("VOX_BRIDGE_METRICS_LISTEN", "127.0.0.1:0");
    let mut bridge = bridge.env("LOG_LEVEL", "error").spawn().unwrap();
    let began = Instant::now();
    while !ready_file.exists() {
        assert!(began.elapsed() < START_DEADLINE, "the bridge does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ready: Value = serde_json::from_slice(&std::fs::read(&ready_file).unwrap()).unwrap();
    let http = client();
    let told = http.get(format!("{}/ready", ready["bridge_url"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(json(told, StatusCode::OK).await["parts"]["coordination"]["state"], "up");
    let page = http.get(ready["metrics_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(r#"store_operation_seconds_count{store="mongodb",operation="insert"}"#), "{page}");
    assert!(page.contains("redis_connections_active 2"), "{page}");
    bridge.kill().await.unwrap();
    services.ask("down", &[]);
    assert!(services.told("status").iter().all(|line| line.ends_with(" down")));
}
