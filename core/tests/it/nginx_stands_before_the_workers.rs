//! The settings of `nginx/vox.conf.in`, in a real nginx of two processes, before real workers and a real bridge: a call goes to a free
//! worker or is told to come again, whatever happens to nginx and to workers meanwhile.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use reqwest::{Certificate, Client, StatusCode, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use vox_caller::{Call, EndedBy, Options, Outcome, Protocol, Step, Talker, connect};

use crate::harness::bridge::Bridge;
use crate::harness::nginx::Nginx;
use crate::harness::raw::{Raw, Refused};
use crate::harness::vendors::{Scripts, Vendors};
use crate::harness::worker::Worker;
use crate::harness::{PATIENCE, assert_clean, eventually, speech, texts};

const WORKERS: usize = 3;

/// A host: nginx, three workers and a bridge.
struct Host {
    bridge: Bridge,
    vendors: Vendors,
    workers: Vec<Worker>,
    nginx: Nginx,
    bot: String,
    data: TempDir,
}

impl Host {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let bridge = Bridge::start(&data.path().join("bridge")).await;
        let vendors = Vendors::start(Scripts::default()).await;
        let bot = bridge.insert_bot(vendors.bot()).await;
        let mut workers = Vec::new();
        for n in 1..=WORKERS {
            workers.push(Self::worker(data.path(), n, &bridge.url()).await);
        }
        let sockets = data.path().join("sockets");
        let (sockets, bridge_addr) = (sockets.to_str().unwrap(), bridge.url().replace("http://", ""));
        let host = ["--workers", "3", "--sockets", sockets, "--bridge", &bridge_addr];
        let nginx = Nginx::start(&data.path().join("nginx"), &host);
        Self { bridge, vendors, workers, nginx, bot, data }
    }

    /// The worker with this number, whose socket is `N.sock`.
    async fn worker(data: &Path, number: usize, bridge: &str) -> Worker {
        let (name, sockets) = (number.to_string(), data.join("sockets"));
        let settings =
            [("VOXCORE_WORKER_ID", name.as_str()), ("VOXCORE_SOCKET_DIR", sockets.to_str().unwrap())];
        Worker::start(&data.join("core"), bridge, &settings).await
    }

    async fn try_dial(&self, caller: &str) -> Result<Call, String> {
        let mut options = Options::new(Protocol::Ws, &self.nginx.calls()).unwrap();
        options.bot_id = Some(self.bot.clone());
        caller.clone_into(&mut options.caller_id);
        connect(options).await.map_err(|error| error.kind().to_owned())
    }

    /// A call whose greeting was heard.
    async fn dial(&self, caller: &str) -> Call {
        let call = self.try_dial(caller).await.unwrap_or_else(|error| panic!("{caller}: {error}"));
        let hears = Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
        assert_eq!(Talker::new(&call).act(hears).await, Outcome::Done, "{caller}");
        call
    }

    /// The same once a worker is free: one that has just put its call away may be told so a little later.
    async fn dial_when_free(&self, caller: &str) -> Call {
        eventually("a worker is free", async || match self.try_dial(caller).await {
            Ok(call) => Some(call),
            Err(error) if error == "refused_503" => None,
            Err(error) => panic!("{caller}: {error}"),
        })
        .await
    }

    /// No worker is free, and whoever calls is told so in JSON.
    async fn assert_full(&self) {
        let url = format!("{}/ws/{}", self.nginx.calls(), self.bot);
        let refused = match Raw::try_open(&url).await {
            Err(refused) => refused,
            Ok(_) => panic!("a call was let in\n{}", self.nginx.log()),
        };
        let Refused { status, retry_after, body } = refused;
        assert_eq!((status, &body["error"]), (503, &json!("busy")), "{body}");
        assert!(retry_after.is_some());
    }

    /// The places of the workers that have a call.
    async fn busy(&self) -> Vec<usize> {
        let mut busy = Vec::new();
        for (place, worker) in self.workers.iter().enumerate() {
            // Of one that is gone nothing is known.
            let Ok(answer) = reqwest::get(worker.http("/health")).await else { continue };
            let health: Value = answer.json().await.unwrap();
            if health["worker_calls"] == 1 {
                busy.push(place);
            }
        }
        busy
    }

    /// Which worker has the call of this caller.
    async fn worker_of(&self, caller: &str) -> String {
        let record = self.bridge.record(caller).await.unwrap();
        record["worker_id"].as_str().unwrap().to_owned()
    }

    async fn end(mut self) {
        for worker in &mut self.workers {
            worker.stop().await;
        }
        self.vendors.assert_no_leftovers().await;
        drop(self.data);
    }
}

#[tokio::test]
async fn the_fourth_call_of_three_workers_is_told_to_come_again() {
    let host = Host::start().await;
    let mut calls = join_all(["a", "b", "c"].map(|caller| host.dial(caller))).await;
    host.assert_full().await;
    let fleet: Value =
        reqwest::get(format!("{}/health/fleet", host.nginx.url)).await.unwrap().json().await.unwrap();
    assert_eq!(
        (&fleet["fleet_calls"], &fleet["fleet_available"]),
        (&json!(3), &json!(0)),
        "asked while all are busy"
    );
    assert_clean(&calls.pop().unwrap().finish().await);
    calls.push(host.dial_when_free("d").await);
    host.assert_full().await;
    for report in join_all(calls.into_iter().map(Call::finish)).await {
        assert_clean(&report);
    }
    let mut workers = Vec::new();
    for caller in ["a", "b", "c"] {
        workers.push(host.worker_of(caller).await);
    }
    workers.sort();
    assert_eq!(workers, ["1", "2", "3"]);
    host.end().await;
}

/// A reload forgets who is busy: the workers say so themselves, and the next one is asked.
#[tokio::test]
async fn a_reload_drops_no_call_and_gives_no_worker_two() {
    let host = Host::start().await;
    let mut calls = join_all(["a", "b"].map(|caller| host.dial(caller))).await;
    host.nginx.reload().await;
    calls.push(host.dial("c").await);
    host.assert_full().await;
    let hears = Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
    for call in &calls[..2] {
        let mut talker = Talker::new(call);
        assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
        assert_eq!(talker.act(hears.clone()).await, Outcome::Done, "a call from before the reload goes on");
    }
    for report in join_all(calls.into_iter().map(Call::finish)).await {
        assert_clean(&report);
    }
    for caller in ["a", "b"] {
        assert!(texts(&host.bridge.record(caller).await.unwrap(), "bot").len() > 1);
    }
    host.end().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_or_goes_down_takes_no_call_but_its_own_along() {
    let mut host = Host::start().await;
    let first = host.dial("first").await;
    let killed = host.busy().await.remove(0);
    host.workers[killed].kill();
    // Its socket's file is still there, and nobody listens: whoever calls next does not notice.
    let mut calls = join_all(["b", "c"].map(|caller| host.dial(caller))).await;
    host.assert_full().await;
    let end = first.finish().await.end;
    assert!(matches!(end.by, EndedBy::Lost | EndedBy::Server), "{end:?}");
    let record = host.bridge.record("first").await.unwrap();
    assert_eq!(record["disconnected_by"], "worker_lost", "a neighbour has closed it");

    // One that is asked to stop lets its call end, and nginx needs no word of it.
    let leaving = host.busy().await.remove(0);
    host.workers[leaving].terminate();
    let started = Host::worker(host.data.path(), killed + 1, &host.bridge.url()).await;
    host.workers[killed] = started;
    calls.push(host.dial("d").await);
    host.assert_full().await;
    for call in &calls {
        let mut talker = Talker::new(call);
        let hears = Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
        assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
        assert_eq!(talker.act(hears).await, Outcome::Done);
    }
    for report in join_all(calls.into_iter().map(Call::finish)).await {
        assert_clean(&report);
    }
    host.workers[leaving].ended().await;
    host.workers.remove(leaving);
    host.end().await;
}

/// A worker's answers to requests that start a call, one after another: what such routes will be asked by nginx is how often.
struct Answering {
    asked: JoinHandle<usize>,
}

impl Answering {
    /// On this socket, with this status.
    fn with(socket: &Path, status: u16) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let asked = tokio::spawn(async move {
            let mut asked = 0;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let (mut line, mut length) = (String::new(), 0);
                while stream.read_line(&mut line).await.unwrap() > 2 {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.starts_with("GET /count") {
                        return asked;
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                assert_eq!(body, br#"{"room_name":"r"}"#, "whole, to whoever is asked");
                asked += 1;
                let body =
                    if status == 200 { r#"{"status":"accepted"}"# } else { r#"{"error":"at_capacity"}"# };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { asked }
    }

    /// How often it was asked.
    async fn count(self, socket: &Path) -> usize {
        let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
        stream.write_all(b"GET /count HTTP/1.1\r\n\r\n").await.unwrap();
        self.asked.await.unwrap()
    }
}

/// Workers take them once LiveKit's routes are built; what nginx makes of their answers is known before.
#[tokio::test]
async fn requests_that_start_a_call_try_the_next_worker_and_the_dispatch_never_does() {
    // Already there when another test of this process was first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir().unwrap();
    let socket = |n: usize| data.path().join(format!("{n}.sock"));
    let sockets = data.path().to_str().unwrap();
    let http = Client::builder().no_proxy().build().unwrap();
    let start = |nginx: &Nginx, path: &str| {
        http.post(format!("{}{path}", nginx.url)).body(r#"{"room_name":"r"}"#).send()
    };
    for path in ["/attach", "/livekit/dialout", "/livekit/widget", "/livekit/dispatch"] {
        let is_retried = path != "/livekit/dispatch";
        for free in [true, false] {
            let workers: Vec<Answering> = (1..=3)
                .map(|n| Answering::with(&socket(n), if free && n == 3 { 200 } else { 429 }))
                .collect();
            let nginx = Nginx::start(&data.path().join("nginx"), &["--workers", "3", "--sockets", sockets]);
            let (mut statuses, mut refusals) = (Vec::new(), 0);
            for _ in 0..3 {
                let answer = start(&nginx, path).await.unwrap();
                statuses.push(answer.status().as_u16());
                let body: Value = answer.json().await.unwrap();
                refusals += usize::from(body == json!({"error": "at_capacity"}));
            }
            let mut asked = 0;
            for (n, worker) in (1..).zip(workers) {
                asked += worker.count(&socket(n)).await;
                std::fs::remove_file(socket(n)).unwrap();
            }
            statuses.sort_unstable();
            match (is_retried, free) {
                (true, true) => assert_eq!((statuses, refusals), (vec![200, 200, 200], 0), "{path}"),
                (true, false) => {
                    assert_eq!((statuses, asked), (vec![429, 429, 429], 9), "{path}: each is asked once")
                }
                (false, true) => assert_eq!((statuses, asked), (vec![200, 429, 429], 3), "{path}"),
                (false, false) => assert_eq!((statuses, asked), (vec![429, 429, 429], 3), "{path}"),
            }
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[tokio::test]
async fn the_doors_of_a_host_are_as_narrow_as_they_are_said_to_be() {
    let data = tempfile::tempdir().unwrap();
    let bridge = Bridge::start(&data.path().join("bridge")).await;
    let bridge_addr = bridge.url().replace("http://", "");
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(data.path().join("fullchain.pem"), pem("CERTIFICATE", signed.cert.der())).unwrap();
    std::fs::write(data.path().join("privkey.pem"), pem("PRIVATE KEY", &signed.signing_key.serialize_der()))
        .unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let certificate = data.path().to_str().unwrap();
    let host = [
        "--bridge",
        &bridge_addr,
        "--certificate",
        certificate,
        "--name",
        "localhost",
        "--redirect",
        &free,
        "--internal",
        "192.0.2.1",
        "--logins",
        "1",
        "--workers",
        "1",
        "--sockets",
        certificate,
    ];
    let nginx = Nginx::start(&data.path().join("nginx"), &host);
    let url = nginx.url.replace("127.0.0.1", "localhost");
    let http = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .add_root_certificate(Certificate::from_der(signed.cert.der()).unwrap())
        .build()
        .unwrap();
    let health = http.get(format!("{url}/health")).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(health.headers()["strict-transport-security"], "max-age=31536000");
    let plain = http.get(format!("http://{free}/console?a=b")).send().await.unwrap();
    let to = plain.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!((plain.status().as_u16(), to.as_str()), (301, "https://127.0.0.1/console?a=b"));

    for path in ["config/faq", "calls/call_1/events"] {
        let internal = http.get(format!("{url}/api/v1/internal/{path}")).send().await.unwrap();
        let by_nginx = internal.text().await.unwrap().contains("nginx");
        assert!(by_nginx, "{path}: it is not asked whether the secret is right");
    }
    let large = http.post(format!("{url}/api/v1/bots")).body(vec![b' '; 3 << 20]).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(large.json::<Value>().await.unwrap()["error"]["code"], "too_large");
    let mut by_nginx = 0;
    for _ in 0..30 {
        let login = json!({"email": "a@example.org", "password": "guess"});
        let answer = http.post(format!("{url}/api/v1/auth/login")).json(&login).send().await.unwrap();
        let headers = answer.headers().clone();
        let body: Value = answer.json().await.unwrap();
        if body["error"]["code"] == "rate_limited" {
            by_nginx += 1;
            assert_eq!(headers["retry-after"], "1");
            assert!(headers.contains_key("strict-transport-security"), "on nginx's own answers too");
        }
    }
    assert_eq!(by_nginx, 9, "one, and a burst of twenty, reach the bridge");

    let refused = http.get(format!("{url}/ws/42%3Ftoken=s3cret")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let log = nginx.log();
    assert!(log.contains("\"path\":\"/ws/42\"") && !log.contains("s3cret"), "{log}");
}
