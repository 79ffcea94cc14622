//! `scripts/services` starts what a bridge needs, once, and a bridge runs with the settings that it prints and no other. What it
//! removes is its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use vox_shared::wire::SECRET_HEADER;

use crate::harness::{client, json};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// Stopped, with their data, when dropped.
struct Services(PathBuf);

impl Services {
    fn ask(&self, what: &str, more: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
        let mut command = Command::new(script);
        command.arg(what).arg("--data").arg(&self.0).args(more).stdin(Stdio::null());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    fn told(&self, what: &str) -> Vec<String> {
        let told = self.ask(what, &[]).stdout;
        String::from_utf8(told).unwrap().lines().map(str::to_owned).collect()
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
    let up = services.told("status");
    assert!(up.len() == 3 && up.iter().all(|line| line.contains(" up ")), "{up:?}");

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
    let parts = json(told, StatusCode::OK).await["parts"].clone();
    assert!(
        ["documents", "objects", "coordination"].iter().all(|part| parts[part]["state"] == "up"),
        "{parts}"
    );
    let secret = std::fs::read_to_string(services.0.join("workers")).unwrap();
    let upload =
        http.put(format!("{}/api/v1/internal/recordings/a.wav", ready["bridge_url"].as_str().unwrap()));
    let upload = upload.header(SECRET_HEADER, secret.trim()).body("heard").send().await.unwrap();
    assert_eq!(upload.status(), StatusCode::OK);
    let page = http.get(ready["metrics_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(r#"store_operation_seconds_count{store="mongodb",operation="insert"}"#), "{page}");
    assert!(page.contains(r#"store_operation_seconds_count{store="s3",operation="put"} 1"#), "{page}");
    assert!(page.contains("redis_connections_active 2"), "{page}");
    bridge.kill().await.unwrap();
    services.ask("down", &[]);
    assert!(services.told("status").iter().all(|line| line.ends_with(" down")));
}

/// In the place of Redis: it notes its process, and on a port that it is given it never gets ready.
const SERVER: &str = r#"#!/bin/sh
echo $$ >>"$(dirname "$0")/processes"
[ "$2" != 0 ] || echo "ready redis://127.0.0.1:7001"
sleep 60 &
trap 'kill $!; exit 0' TERM
wait
"#;

/// The script with that server, and with less patience.
fn impatient(place: &Path) -> PathBuf {
    let scripts = place.join("scripts");
    std::fs::create_dir_all(scripts.join("redis")).unwrap();
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
    let known = std::fs::read_to_string(known).unwrap();
    let impatient = known.replace("START_SECONDS=90", "START_SECONDS=1");
    assert_ne!(known, impatient);
    for (name, text) in
        [("services", impatient.as_str()), ("redis/run.sh", SERVER), ("redis/install.sh", "#!/bin/sh\n")]
    {
        let path = scripts.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    scripts.join("services")
}

/// What is in a directory, in order; empty without one.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// It takes the second that a server which hangs is waited for.
#[test]
fn a_server_that_hangs_is_stopped_and_nothing_is_removed_but_what_was_put_there() {
    let place = tempfile::tempdir().unwrap();
    let (script, own, other) =
        (impatient(place.path()), place.path().join("own"), place.path().join("other"));
    let ask = |dir: &Path, arguments: &[&str]| {
        let mut command = Command::new(&script);
        let done = command.args(arguments).arg("--data").arg(dir).stdin(Stdio::null()).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    // One that ended and that nobody asked after has no command line.
    let runs =
        |process: &&str| std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty());

    assert!(ask(&own, &["up", "--only", "redis"]).0);
    assert!(ask(&own, &["down"]).0 && names(&own).contains(&"jwt".into()), "its keys are kept");
    let (up, told) = ask(&own, &["up", "--only", "redis"]);
    let processes = std::fs::read_to_string(script.with_file_name("redis/processes")).unwrap();
    let processes: Vec<&str> = processes.lines().collect();
    assert!(up && processes.len() == 3, "the old port, where it hangs, and another one: {told}");
    assert_eq!(processes.iter().filter(|process| runs(process)).count(), 1);

    let (removed, told) = ask(&own, &["down", "--only", "redis", "--remove-data"]);
    assert!(!removed && told.contains("leave out --only") && runs(&processes[2]), "{told}");
    std::fs::write(own.join("notes"), "mine").unwrap();
    let (removed, told) = ask(&own, &["down", "--remove-data"]);
    assert!(removed && names(&own) == ["notes"] && !runs(&processes[2]), "{told}");

    std::fs::create_dir(&other).unwrap();
    std::fs::create_dir(other.join("s3")).unwrap();
    assert!(ask(&other, &["up", "--only", "redis"]).0);
    let before = names(&other);
    let (removed, told) = ask(&other, &["down", "--remove-data"]);
    assert!(!removed && told.contains("by hand") && names(&other) == before, "{told}");
    assert!(ask(&other, &["down"]).0 && names(&other).contains(&"s3".into()));
}
