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
use vox_caller::{Call, EndedBy, Options as CallOptions, Outcome, Protocol, Step, Talker, connect};
use vox_harness::free_address;
use vox_livekit::{Event, Options, Rate};
use vox_shared::wire::SECRET_HEADER;

use crate::harness::bridge::{Bridge, secret};
use crate::harness::nginx::Nginx;
use crate::harness::raw::{Raw, Refused};
use crate::harness::rooms::{Guest, LiveKit};
use crate::harness::vendors::{Scripts, Vendors};
use crate::harness::worker::Worker;
use crate::harness::{PATIENCE, assert_clean, client, eventually, speech, texts};

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
        Self::start_with(&[]).await
    }

    /// The same whose workers have more settings.
    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let bridge = Bridge::start(&data.path().join("bridge")).await;
        let vendors = Vendors::start(Scripts::default()).await;
        let bot = bridge.insert_bot(vendors.bot()).await;
        let mut workers = Vec::new();
        for n in 1..=WORKERS {
            workers.push(Self::worker(data.path(), n, &bridge.url(), settings).await);
        }
        let sockets = data.path().join("sockets");
        let (sockets, bridge_addr) = (sockets.to_str().unwrap(), bridge.url().replace("http://", ""));
        let host = ["--workers", "3", "--sockets", sockets, "--bridge", &bridge_addr];
        let nginx = Nginx::start(&data.path().join("nginx"), &host);
        Self { bridge, vendors, workers, nginx, bot, data }
    }

    /// The worker with this number, whose socket is `N.sock`.
    async fn worker(data: &Path, number: usize, bridge: &str, more: &[(&str, &str)]) -> Worker {
        let (name, sockets) = (number.to_string(), data.join("sockets"));
        let mut settings =
            vec![("VOXCORE_WORKER_ID", name.as_str()), ("VOXCORE_SOCKET_DIR", sockets.to_str().unwrap())];
        settings.extend(more);
        Worker::start(&data.join("core"), bridge, &settings).await
    }

    async fn try_dial(&self, caller: &str) -> Result<Call, String> {
        let mut options = CallOptions::new(Protocol::Ws, &self.nginx.calls()).unwrap();
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
    let started = Host::worker(host.data.path(), killed + 1, &host.bridge.url(), &[]).await;
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

/// How many workers nginx asked for each request to this path, oldest first.
fn asked(nginx: &Nginx, path: &str) -> Vec<usize> {
    let log = nginx.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["path"] == path)
        .map(|line| line["upstream"].as_str().unwrap_or_default().split(", ").count())
        .collect()
}

/// The routes that order a call in a room of a LiveKit server: nginx does not see that a worker is busy with one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_start_a_call_try_the_next_worker_and_the_dispatch_never_does() {
    let livekit = LiveKit::start();
    let (url, key, api_secret) = (livekit.url.clone(), livekit.key.clone(), livekit.secret.clone());
    let settings = [("LIVEKIT_URL", &*url), ("LIVEKIT_API_KEY", &*key), ("LIVEKIT_API_SECRET", &*api_secret)];
    let host = Host::start_with(&settings).await;
    let http = client();
    let ask = async |path: &str, body: Value| {
        let request =
            http.post(format!("{}{path}", host.nginx.url)).header(SECRET_HEADER, secret()).json(&body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let widget = |n: usize| json!({"bot_id": host.bot, "room_name": format!("widget-{n}"), "caller_id": format!("visitor-{n}")});
    for n in 1..=WORKERS {
        let (status, answer) = ask("/livekit/widget", widget(n)).await;
        assert_eq!((status, &answer["status"]), (200, &json!("accepted")), "{answer}");
    }
    assert_eq!(host.busy().await.len(), WORKERS, "each has one");
    let full = (429, json!({"error": "at_capacity"}));
    let room = "call-1";
    let orders = [
        ("/livekit/widget", widget(4)),
        (
            "/livekit/dialout",
            json!({"bot_id": host.bot, "to_number": "+15550100", "from_number": "+15550199"}),
        ),
        ("/attach", json!({"bot_id": host.bot, "room_name": room})),
        ("/livekit/dispatch", json!({"room_name": room, "caller_number": "1", "dialed_number": "2"})),
    ];
    for (path, body) in &orders {
        assert_eq!(ask(path, body.clone()).await, full, "{path}");
        let is_retried = *path != "/livekit/dispatch";
        let expected = if is_retried { WORKERS } else { 1 };
        eventually("it is in the log", async || {
            (asked(&host.nginx, path).last() == Some(&expected)).then_some(())
        })
        .await;
    }
    // One visitor comes and goes: whoever asks next finds that worker, wherever nginx begins to look.
    let greet = async |n: usize| {
        let options = Options { hear: Rate::Hz16000, ..Options::default() };
        let mut visitor = Guest::join(&livekit, &format!("widget-{n}"), "visitor", options).await;
        visitor.connected().await;
        // The server announces nobody who leaves before their media is up: the bot would wait for them.
        let greets = |event: &Event| match event {
            Event::Changed { participant, .. } => participant
                .attributes
                .get("lk.agent.state")
                .is_some_and(|state| state == "speaking")
                .then_some(()),
            _ => None,
        };
        visitor.sees("the bot's greeting", greets).await;
        visitor.room.leave().await;
        host.bridge.record(&format!("visitor-{n}")).await.unwrap()
    };
    greet(1).await;
    let (status, answer) = eventually("a worker is free", async || {
        let answer = ask("/livekit/widget", widget(4)).await;
        (answer != full).then_some(answer)
    })
    .await;
    assert_eq!((status, &answer["status"]), (200, &json!("accepted")), "{answer}");
    for n in 2..=4 {
        greet(n).await;
    }
    host.end().await;
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
    let free = free_address().to_string();
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
        "--api",
        "5",
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
    // LiveKit tells all that happens from one address: more than the limit and its burst of twenty.
    for _ in 0..80 {
        let told = http.post(format!("{url}/api/v1/livekit/webhook")).body("{}").send().await.unwrap();
        assert_eq!(told.status(), StatusCode::UNAUTHORIZED, "the bridge asks for its token");
    }
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
    // A line is written after its answer.
    let written = async || nginx.log().contains("\"path\":\"/ws/42\"").then_some(());
    eventually("it is in the log", written).await;
    let log = nginx.log();
    assert!(!log.contains("s3cret"), "{log}");
}
