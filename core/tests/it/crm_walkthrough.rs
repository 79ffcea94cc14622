//! A CRM developer goes from a new key to a placed call, a signed webhook and a recording with `docs/crm-walkthrough.md` alone: its
//! blocks are run as they stand, against the bridge as a process on an empty directory and a real worker with the keyless engines. Only
//! the telephone network is scripted: what takes the order to dial rings a software caller, which dials the worker as a carrier does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vox_caller::{Direction, Options, Protocol, Scenario, connect, run};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::worker::ScriptedWorker;

use crate::harness::bridge::secret;
use crate::harness::bridge_process;
use crate::harness::eventually;
use crate::harness::worker::Worker;

const BOT: &str = "appointment-reminder";
const LINE_TOKEN: &str = "lt-0123456789abcdef";
/// For all of the page's steps, the call among them.
const SCRIPT_DEADLINE: Duration = Duration::from_secs(90);
/// The registration of the scripted host ends after 15 s.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// The page's blocks of shell, one after the other, and its receiver.
struct Page {
    script: String,
    receiver: String,
}

impl Page {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/crm-walkthrough.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut page = Self { script: String::new(), receiver: String::new() };
        for block in text.split("\n```").skip(1).step_by(2) {
            let (language, body) = block.split_once('\n').unwrap();
            match language {
                "sh" => writeln!(page.script, "{body}").unwrap(),
                "python" => page.receiver = body.to_owned(),
                other => panic!("a block of {other:?}"),
            }
        }
        page
    }

    /// Run it as a developer would who copies block after block.
    async fn run(&self, at: &Path, with: &[(&str, &str)]) -> Output {
        std::fs::write(at.join("receiver.py"), &self.receiver).unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-c", &self.script]).current_dir(at).envs(with.iter().copied());
        shell.stdin(Stdio::null()).kill_on_drop(true);
        timeout(SCRIPT_DEADLINE, shell.output()).await.expect("the page's steps take too long").unwrap()
    }
}

/// The bridge as an operator starts it on an empty directory.
struct Platform {
    http: Client,
    url: String,
    email: String,
    password: String,
    _bridge: Child,
}

impl Platform {
    async fn start(data: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ready = data.join("ready.json");
        let mut bridge = bridge_process::command(data);
        bridge.arg("--ready-file").arg(&ready).env("VOX_BRIDGE_ADDR", "127.0.0.1:0");
        let bridge = bridge.env("VOX_EGRESS_ALLOW", "127.0.0.0/8").spawn().unwrap();
        let text = eventually("the bridge is ready", async || std::fs::read(&ready).ok()).await;
        let told: Value = serde_json::from_slice(&text).unwrap();
        let text = |field: &str| told[field].as_str().unwrap().to_owned();
        let http = Client::builder().no_proxy().build().unwrap();
        let (url, email, password) = (text("bridge_url"), text("admin_email"), text("admin_password"));
        Self { http, url, email, password, _bridge: bridge }
    }

    async fn token(&self) -> String {
        let login = json!({"email": self.email, "password": self.password});
        let told = sent(self.http.post(format!("{}/api/v1/auth/login", self.url)).json(&login)).await;
        told["access_token"].as_str().unwrap().to_owned()
    }

    /// Whoever operates the line gives it a token: what a host says of its calls counts from then on.
    async fn guard_line(&self) {
        let bot = self.http.patch(format!("{}/api/v1/bots/{BOT}", self.url)).bearer_auth(self.token().await);
        sent(bot.json(&json!({"line_access": {"token": LINE_TOKEN}}))).await;
    }

    /// A host with more free slots than the worker, so that orders to dial go there.
    fn register(&self, host: &ScriptedWorker) -> JoinHandle<()> {
        let report = json!({"worker_id": "wrk_telephone_host", "host": "telephones", "address": host.url(), "slots": 9,
            "calls": 0, "build": "test", "draining": false, "pid": 1});
        let request = self.http.post(format!("{}/api/v1/fleet/workers", self.url));
        let request = request.header(SECRET_HEADER, secret()).json(&report);
        tokio::spawn(async move {
            loop {
                sent(request.try_clone().unwrap()).await;
                sleep(RENEW_EVERY).await;
            }
        })
    }
}

async fn sent(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Somebody who picks up, listens to what the bot has to say and hangs up.
async fn pick_up(host: &ScriptedWorker, worker: &Worker) {
    let (call, order) =
        eventually("somebody is to be called", async || host.accepted().into_iter().next()).await;
    let mut options = Options::new(Protocol::Ws, &worker.url()).unwrap();
    options.bot_id = order["bot_id"].as_str().map(str::to_owned);
    order["to_number"].as_str().unwrap().clone_into(&mut options.caller_id);
    options.direction = Direction::Outgoing;
    options.header("x-line-token", LINE_TOKEN).unwrap();
    let mut told: Map<String, Value> = order["connected_event"].as_object().cloned().unwrap_or_default();
    told.insert("_campaign_session_id".into(), json!(call));
    options.connected = told;
    let line = connect(options).await.unwrap_or_else(|error| panic!("{error}\n{}", worker.log()));
    let report = run(line, Scenario::new().await_reply(Duration::from_millis(700))).await;
    assert!(report.call.violations.is_empty(), "{report:?}");
}

fn workplace() -> (TempDir, PathBuf) {
    let data = tempfile::tempdir().unwrap();
    let desk = data.path().join("desk");
    std::fs::create_dir(&desk).unwrap();
    (data, desk)
}

#[tokio::test]
async fn leads_from_a_new_key_to_a_call_a_signed_webhook_and_a_recording() {
    let (data, desk) = workplace();
    let page = Page::read();
    let platform = Platform::start(&data.path().join("bridge")).await;
    platform.guard_line().await;
    let mut worker = Worker::start(&data.path().join("core"), &platform.url, &[]).await;
    let host = ScriptedWorker::start(&secret()).await;
    let registered = platform.register(&host);
    let access = [("BRIDGE", &*platform.url), ("EMAIL", &*platform.email), ("PASSWORD", &*platform.password)];
    let (output, ()) = tokio::join!(page.run(&desk, &access), pick_up(&host, &worker));
    let (told, complaint) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{}\n{told}\n{complaint}\n{}", output.status, worker.log());
    for expected in
        ["\"webhook.test\"", "\"call.ended\"", "\"recording.ready\"", "\ncustomer\n", "2 channels, "]
    {
        assert!(told.contains(expected), "no {expected} in\n{told}");
    }
    assert_eq!(host.faults(), Vec::<String>::new());
    let seconds: f64 = told.lines().last().unwrap().split(' ').nth(2).unwrap().parse().unwrap();
    assert!(seconds > 1.0, "there is something to hear: {told}");
    registered.abort();
    worker.stop().await;
}
