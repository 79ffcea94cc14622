//! The real program, killed: what it acknowledged is there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::receiver::{Manner, Receiver};

use crate::harness::{client, json, result};
use crate::s3_server::eventually;

const SECRET: &str = "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo";
const TOOLS: &str = "Yw3nTq8RkVb5MxZs1GfJ7pLd6HcA9eUo";
const JWT: &str = "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN";
/// Acknowledged before the kill.
const RESULTS: usize = 400;
/// Deliveries at a time, so that the kill falls among group commits.
const SENDERS: usize = 100;
const START_DEADLINE: Duration = Duration::from_secs(60);

/// The program on a free port; killed when dropped.
pub struct Process {
    child: Child,
    pub ready: Value,
}

impl Process {
    pub async fn start(dir: &Path, round: u32) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_vox-bridge")), dir, round).await
    }

    async fn start_by(mut command: Command, dir: &Path, round: u32) -> Self {
        let ready_file = dir.join(format!("ready-{round}.json"));
        let child = command
            .arg("--ready-file")
            .arg(&ready_file)
            .env_clear()
            .envs([
                ("JWT_SECRET", JWT),
                ("VOXCORE_SECRET", SECRET),
                ("VOX_TOOLS_SECRET", TOOLS),
                ("VOX_BRIDGE_ADDR", "127.0.0.1:0"),
                ("VOX_BRIDGE_METRICS_LISTEN", "127.0.0.1:0"),
                ("VOX_EGRESS_ALLOW", "127.0.0.1"),
                ("LOG_LEVEL", "error"),
                // Whoever waits for something asks more often than a person.
                ("VOX_REQUESTS_PER_MINUTE", "100000"),
            ])
            .env("VOX_DATA_DIR", dir.join("data"))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, ready: wait_for(ready_file).await }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["bridge_url"].as_str().unwrap())
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn wait_for(file: PathBuf) -> Value {
    let began = Instant::now();
    loop {
        // The file appears by a rename: when it is there, it is whole.
        if let Ok(text) = std::fs::read_to_string(&file) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(began.elapsed() < START_DEADLINE, "the bridge did not become ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Deliver one result after the other until there is no answer; which of them had none, and why.
async fn deliver(
    http: reqwest::Client,
    url: String,
    first: usize,
    told: mpsc::Sender<usize>,
) -> (usize, reqwest::Error) {
    for n in (first..).step_by(SENDERS) {
        let result = result(&format!("call_{n}"), "bot");
        match http.post(&url).header(SECRET_HEADER, SECRET).json(&result).send().await {
            Ok(answer) => assert_eq!(answer.status(), StatusCode::OK),
            Err(error) => return (n, error),
        }
        told.send(n).await.expect("the test listens");
    }
    unreachable!("the numbers do not end")
}

#[tokio::test]
async fn every_acknowledged_result_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let (http, bridge) = (client(), Process::start(dir.path(), 1).await);
    assert!(bridge.ready["admin_password"].is_string());
    let metrics = http.get(bridge.ready["metrics_url"].as_str().unwrap()).send().await.unwrap();
    assert!(metrics.text().await.unwrap().contains("slots{"));
    let url = bridge.url("/api/v1/call-results");
    let (told, mut answers) = mpsc::channel(SENDERS);
    let senders: Vec<_> = (0..SENDERS)
        .map(|first| tokio::spawn(deliver(http.clone(), url.clone(), first, told.clone())))
        .collect();
    drop(told);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < RESULTS {
        acknowledged.push(answers.recv().await.expect("deliveries go on"));
    }
    bridge.kill().await;
    while let Some(n) = answers.recv().await {
        acknowledged.push(n);
    }
    // Those without an answer may or may not be there.
    let mut cut = 0;
    for sender in senders {
        let (unanswered, error) = sender.await.unwrap();
        assert!(!acknowledged.contains(&unanswered));
        cut += usize::from(!error.is_connect());
    }
    assert!(cut > 0, "the kill fell among no deliveries");

    let bridge = Process::start(dir.path(), 2).await;
    assert_eq!(bridge.ready["admin_password"], Value::Null, "told by the first start only");
    for n in acknowledged {
        let path = bridge.url(&format!("/api/v1/internal/calls/call_{n}"));
        let call =
            json(http.get(path).header(SECRET_HEADER, TOOLS).send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(call["disconnected_by"], "bot");
    }
    bridge.kill().await;
}

/// What the administrator sees of the audit log.
async fn audit(bridge: &Process, token: &str, path: &str) -> Value {
    let asked =
        client().get(bridge.url(&format!("/api/v1/audit{path}"))).bearer_auth(token).send().await.unwrap();
    json(asked, StatusCode::OK).await
}

#[tokio::test]
async fn a_killed_bridge_leaves_a_begin_without_an_end_and_the_chain_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (http, bridge) = (client(), Process::start(dir.path(), 1).await);
    let login = json!({"email": "admin@vox.local", "password": bridge.ready["admin_password"]});
    let session = http.post(bridge.url("/api/v1/auth/login")).json(&login).send().await.unwrap();
    let session = json(session, StatusCode::OK).await;
    let token = session["access_token"].as_str().unwrap();

    // Its body never comes to an end, so it runs still when the bridge is killed.
    let address = bridge.url("").replace("http://", "");
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PATCH /api/v1/bots/faq HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 50\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let at = &bridge;
    let begun =
        || async move { audit(at, token, "?method=PATCH").await["items"].as_array().unwrap().len() == 1 };
    assert!(eventually(START_DEADLINE, begun).await, "the begin is there before the body");
    bridge.kill().await;

    let bridge = Process::start(dir.path(), 2).await;
    let patch = http.patch(bridge.url("/api/v1/bots/faq")).bearer_auth(token).json(&json!({"name": "N"}));
    assert_eq!(patch.send().await.unwrap().status(), StatusCode::OK);
    let listed = audit(&bridge, token, "?method=PATCH").await;
    let [end, begin, killed] = &listed["items"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!((&killed["kind"], &killed["end"]), (&json!("begin"), &Value::Null));
    assert_eq!(
        (&begin["end"], &end["status"], &begin["prev_hash"]),
        (&end["seq"], &json!(200), &killed["hash"])
    );
    let found = audit(&bridge, token, "/verify").await;
    assert_eq!((&found["intact"], &found["unfinished"]), (&json!(true), &json!([killed["seq"]])), "{found}");
    bridge.kill().await;
}

/// A webhook's endpoint is made, calls end, and the bridge is killed at once, while the first message waits for its answer.
#[tokio::test]
async fn what_was_acknowledged_reaches_its_webhook_under_one_id() {
    const CALLS: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let (http, bridge) = (client(), Process::start(dir.path(), 1).await);
    let receiver = Receiver::start().await.unwrap();
    receiver.then(Manner::Slow(START_DEADLINE));
    let login = json!({"email": "admin@vox.local", "password": bridge.ready["admin_password"]});
    let session = http.post(bridge.url("/api/v1/auth/login")).json(&login).send().await.unwrap();
    let session = json(session, StatusCode::OK).await;
    let wish = json!({"url": receiver.url(), "events": ["call.ended"]});
    let made =
        http.post(bridge.url("/api/v1/webhooks")).bearer_auth(session["access_token"].as_str().unwrap());
    let made = json(made.json(&wish).send().await.unwrap(), StatusCode::CREATED).await;
    receiver.trust(made["secret"].as_str().unwrap());

    let url = bridge.url("/api/v1/call-results");
    let deliver = |n: usize| {
        let mut ended = result(&format!("call_{n}"), "bot");
        ended["bot_id"] = json!("faq");
        http.post(&url).header(SECRET_HEADER, SECRET).json(&ended).send()
    };
    assert_eq!(deliver(0).await.unwrap().status(), StatusCode::OK);
    assert!(eventually(START_DEADLINE, || async { receiver.received().len() == 1 }).await);
    for n in 1..CALLS {
        assert_eq!(deliver(n).await.unwrap().status(), StatusCode::OK);
    }
    bridge.kill().await;

    let bridge = Process::start(dir.path(), 2).await;
    let ids = || {
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for message in receiver.received() {
            assert!(message.faults.is_empty(), "{message:#?}");
            let call = message.body["data"]["call_id"].as_str().unwrap().to_owned();
            ids.entry(call).or_default().insert(message.id);
        }
        ids
    };
    let first = receiver.received()[0].id.clone();
    let again = || receiver.received().iter().filter(|message| message.id == first).count() >= 2;
    // A killed bridge's lane is free after its lease.
    let all = eventually(START_DEADLINE, || async { ids().len() == CALLS && again() }).await;
    assert!(all, "{:#?}", ids());
    assert!(ids().values().all(|ids| ids.len() == 1), "{:#?}", ids());
    bridge.kill().await;
}

#[tokio::test]
async fn sigterm_ends_it_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut bridge = Process::start(dir.path(), 1).await;
    let pid = Pid::from_raw(bridge.child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), bridge.child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn it_refuses_to_start_on_bad_settings_and_tells_all_faults() {
    let output = Command::new(env!("CARGO_BIN_EXE_vox-bridge"))
        .env_clear()
        .envs([("JWT_SECRET", "short"), ("VOX_BRIDGE_ADDR", "nowhere")])
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for name in ["JWT_SECRET", "VOXCORE_SECRET", "VOX_BRIDGE_ADDR"] {
        assert!(told.contains(name), "{told}");
    }
}

/// Started with a umask that lets everybody read, as a service manager may do.
#[tokio::test]
async fn whatever_it_makes_is_its_users_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(r#"umask 022; exec "$0" "$@""#).arg(env!("CARGO_BIN_EXE_vox-bridge"));
    let bridge = Process::start_by(shell, dir.path(), 1).await;
    let upload = client().put(bridge.url("/api/v1/internal/recordings/call_1.wav"));
    let stored = upload.header(SECRET_HEADER, SECRET).body(vec![1; 10]).send().await.unwrap();
    assert_eq!(stored.status(), StatusCode::OK);
    let mut seen = Vec::new();
    for entry in walk(&dir.path().join("data")) {
        let mode = std::fs::metadata(&entry).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.display());
        seen.push(entry.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["vox.sqlite", "vox.sqlite-wal", "first-login.json", "recordings", "call_1.wav"] {
        assert!(seen.iter().any(|s| s == name), "{name} in {seen:?}");
    }
    bridge.kill().await;
}

/// A directory and everything below it.
fn walk(root: &Path) -> Vec<PathBuf> {
    let mut all = vec![root.to_owned()];
    if root.is_dir() {
        for entry in std::fs::read_dir(root).unwrap() {
            all.extend(walk(&entry.unwrap().path()));
        }
    }
    all
}
