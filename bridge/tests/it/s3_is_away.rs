//! An S3 server that refuses, hangs, dies, or whose answers are lost: a quick 503, nothing acknowledged is lost, and it goes on
//! by itself when the server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::config::{S3Settings, Sealing};
use vox_bridge::objects::directory::Lock;
use vox_bridge::objects::s3::S3;
use vox_shared::ids::CampaignId;
use vox_shared::model::bot::BotSettings;
use vox_testkit::chaos::ChaosProxy;

use crate::harness::losing::{LosesAnswers, Loss};
use crate::harness::{TestBridge, json};
use crate::object_conformance::{content, sha256};
use crate::recordings_are_stored_and_served::{call_with, upload};
use crate::s3_server::{S3Server, eventually};

/// Whoever waits for the API has an answer by then.
const ANSWER: Duration = Duration::from_secs(4);
/// And recordings are taken again.
const RECOVERY: Duration = Duration::from_secs(15);
/// What never comes is given up.
const NEVER: Duration = Duration::from_secs(120);
/// More than two parts.
const LARGE: usize = 12_000_000;

/// How long something takes, less what this machine, which may have much else to do, let a thread wait that wanted to run.
struct Watch {
    began: Instant,
    stood_still: Arc<AtomicU64>,
}

impl Watch {
    const STEP: Duration = Duration::from_millis(20);
    /// So much late a thread is on a machine that has nothing else to do.
    const USUAL: Duration = Duration::from_millis(3);

    fn start() -> Self {
        let stood_still = Arc::new(AtomicU64::new(0));
        let counting = Arc::downgrade(&stood_still);
        std::thread::spawn(move || {
            let mut last = Instant::now();
            loop {
                std::thread::sleep(Self::STEP);
                let late = last.elapsed().saturating_sub(Self::STEP + Self::USUAL);
                last = Instant::now();
                let Some(counted) = counting.upgrade() else { break };
                counted.fetch_add(u64::try_from(late.as_micros()).unwrap(), Ordering::Relaxed);
            }
        });
        Self { began: Instant::now(), stood_still }
    }

    fn took(&self) -> Duration {
        let stood_still = Duration::from_micros(self.stood_still.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(stood_still)
    }
}

async fn bridge_on(settings: S3Settings) -> TestBridge {
    TestBridge::start_with(|config| config.storage.s3 = Some(settings)).await
}

/// A call whose recording is there; the path of its link.
async fn recorded(bridge: &TestBridge, name: &str, content: &[u8]) -> String {
    let key = format!("{name}.wav");
    let stored = upload(bridge, &key, content.to_vec(), Some(&sha256(content))).await;
    assert_eq!(json(stored, StatusCode::OK).await["sha256"], sha256(content));
    let call = call_with(bridge, name, &key).await;
    format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap())
}

async fn answers_503_in_time(bridge: &TestBridge, link: &str, how: &str) {
    for size in [1000, LARGE] {
        let (content, watch) = (content(size, 9), Watch::start());
        let refused = upload(bridge, "call_2.wav", content, None).await;
        let took = watch.took();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{how}, {size} bytes");
        assert!(refused.headers().contains_key("retry-after"));
        assert!(took < ANSWER, "{how}: an upload of {size} bytes waited {took:?}");
    }
    for path in [link, "/health"] {
        let watch = Watch::start();
        let answer = bridge.get(path).send().await.unwrap();
        let took = watch.took();
        assert!(took < ANSWER, "{how}: {path} waited {took:?}");
        let status = if path == "/health" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body: Value = json(answer, status).await;
        assert!(path != "/health" || body["parts"]["recordings"] == "unavailable", "{how}: {body}");
    }
    assert_eq!(bridge.fetch_config("faq", &[]).await.status(), StatusCode::OK, "{how}: calls go on");
}

async fn recovers(bridge: &TestBridge, link: &str, was: &[u8]) {
    let taken =
        || async { upload(bridge, "call_3.wav", content(LARGE, 1), None).await.status() == StatusCode::OK };
    let watch = Watch::start();
    assert!(eventually(NEVER, taken).await, "uploads are not taken again");
    let took = watch.took();
    assert!(took < RECOVERY, "uploads are taken again after {took:?}");
    assert!(bridge.get(link).send().await.unwrap().bytes().await.unwrap() == was);
    let health: Value = json(bridge.get("/health").send().await.unwrap(), StatusCode::OK).await;
    assert_eq!((&health["status"], &health["parts"]["recordings"]), (&"ok".into(), &"ok".into()));
}

#[tokio::test]
async fn a_server_that_refuses_or_hangs_is_503_until_it_is_back() {
    let server = S3Server::start().await;
    let proxy =
        ChaosProxy::start(server.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let bridge = bridge_on(server.settings_at(&proxy.url())).await;
    let was = content(LARGE, 0);
    let link = recorded(&bridge, "call_1", &was).await;

    proxy.change(|conditions| conditions.refuse = true);
    proxy.cut();
    answers_503_in_time(&bridge, &link, "refusing").await;
    proxy.change(|conditions| conditions.refuse = false);
    recovers(&bridge, &link, &was).await;

    proxy.pause();
    answers_503_in_time(&bridge, &link, "silent").await;
    proxy.cut();
    proxy.resume();
    recovers(&bridge, &link, &was).await;

    server.pause();
    answers_503_in_time(&bridge, &link, "stopped").await;
    server.go_on();
    recovers(&bridge, &link, &was).await;
    // One whose beginning was taken and never answered has no name on this side, and is found later.
    let dir = tempfile::tempdir().unwrap();
    let store = S3::open(&server.settings(), Lock::take(dir.path()).unwrap()).await.unwrap();
    assert_eq!(store.give_up_unfinished(Duration::from_hours(1)).await.unwrap(), 0, "it may be under way");
    store.give_up_unfinished(Duration::ZERO).await.unwrap();
    assert!(!server.has_unfinished().await);
}

/// Those of clips, of archived calls and of files of contacts stayed for ever.
#[tokio::test]
async fn unfinished_uploads_of_every_kind_are_given_up_and_other_peoples_are_not() {
    let server = S3Server::start().await;
    for key in [
        "recordings/call_1.wav",
        "voices/voice_1",
        "sounds/snd_1",
        "imports/imp_1",
        "calls/0a",
        "elsewhere/x",
    ] {
        let begun = server.raw(Method::POST, &format!("/{key}?uploads")).send().await.unwrap();
        assert_eq!(begun.status(), StatusCode::OK, "{key}");
    }
    let dir = tempfile::tempdir().unwrap();
    let store = S3::open(&server.settings(), Lock::take(dir.path()).unwrap()).await.unwrap();
    assert_eq!(store.give_up_unfinished(Duration::ZERO).await.unwrap(), 5);
    let left = server.raw(Method::GET, "?uploads").send().await.unwrap().text().await.unwrap();
    assert!(left.contains("elsewhere/x") && left.matches("<UploadId>").count() == 1, "{left}");
}

/// The file of an import and a sound are taken whole or not at all, and whoever sent them is told to send them again.
#[tokio::test]
async fn what_is_sent_while_the_server_is_away_is_refused_and_leaves_nothing_half() {
    let server = S3Server::start().await;
    let proxy =
        ChaosProxy::start(server.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let bridge = bridge_on(server.settings_at(&proxy.url())).await;
    let (admin, tenant) = (bridge.token(Role::Admin).await, bridge.tenant());
    let settings = BotSettings { name: "Asha".into(), ..BotSettings::default() };
    let wish = json!({"name": "Reminders", "bot_id": bridge.insert_bot(&tenant, settings).await});
    let campaign =
        json(bridge.send(Method::POST, "/api/v1/campaigns", &admin, wish).await, StatusCode::CREATED).await;
    let campaign: CampaignId = campaign["id"].as_str().unwrap().parse().unwrap();
    let imports = format!("/api/v1/campaigns/{campaign}/imports");
    let send_file = async || {
        let request = bridge.request(Method::POST, &imports).bearer_auth(&admin);
        request.header("content-type", "text/csv").body("phone\n+919876543210\n").send().await.unwrap()
    };
    let sound = json!({"name": "Tone", "sound": STANDARD.encode(include_bytes!("clips/tone.ogg"))});
    let send_sound = async || bridge.send(Method::POST, "/api/v1/sounds", &admin, sound.clone()).await;

    proxy.change(|conditions| conditions.refuse = true);
    proxy.cut();
    for refused in [send_file().await, send_sound().await] {
        assert!(refused.headers().contains_key("retry-after"));
        let told = json(refused, StatusCode::SERVICE_UNAVAILABLE).await["error"].clone();
        assert_eq!(told["code"], "store_unavailable");
        assert!(told["detail"].as_str().unwrap().contains("repeat the request"), "{told}");
    }
    let stores = &bridge.app.stores;
    let known = stores.campaign_imports(&tenant).list_imports(&campaign, 10, None).await.unwrap();
    assert!(known.items.is_empty(), "an import of no file");
    assert!(stores.sounds(&tenant).list_with_removed(10).await.unwrap().items.is_empty());

    proxy.change(|conditions| conditions.refuse = false);
    let is_taken = || async { send_file().await.status() == StatusCode::ACCEPTED };
    assert!(eventually(NEVER, is_taken).await);
    let is_taken = || async { send_sound().await.status() == StatusCode::CREATED };
    assert!(eventually(NEVER, is_taken).await);
    for (part, objects) in [("imports", 1), ("sounds", 1)] {
        let list = server.raw(Method::GET, &format!("?list-type=2&prefix={part}/")).send().await.unwrap();
        assert_eq!(list.text().await.unwrap().matches("<Key>").count(), objects, "{part}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_in_midst_of_a_recording_is_noticed() {
    let server = S3Server::start().await;
    let proxy =
        ChaosProxy::start(server.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let bridge = bridge_on(server.settings_at(&proxy.url())).await;
    let was = content(LARGE, 0);
    let link = recorded(&bridge, "call_1", &was).await;

    let mut reading = bridge.get(&link).send().await.unwrap();
    assert!(reading.chunk().await.unwrap().is_some());
    proxy.pause();
    let watch = Watch::start();
    let ended = loop {
        match reading.chunk().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert!(ended.is_err(), "a part is taken for the whole");
    let took = watch.took();
    assert!(took < ANSWER, "the reader waited {took:?}");
    proxy.resume();

    // An upload that is cut in its midst, wherever that is, leaves nothing or all.
    for bytes in [200_000, 5_400_000, 11_000_000] {
        proxy.cut_after(bytes);
        let stored = upload(&bridge, "call_1.wav", content(LARGE, 5), None).await;
        let found = bridge.get(&link).send().await.unwrap().bytes().await.unwrap();
        match stored.status() {
            // Tried again in time.
            StatusCode::OK => assert!(found == content(LARGE, 5), "cut after {bytes}"),
            StatusCode::SERVICE_UNAVAILABLE => assert!(found == was, "cut after {bytes}"),
            other => panic!("cut after {bytes}: {other}"),
        }
        assert_eq!(upload(&bridge, "call_1.wav", was.clone(), None).await.status(), StatusCode::OK);
    }
}

/// What moves has not stalled, however long it takes as a whole.
#[tokio::test]
async fn a_slow_line_is_no_fault() {
    let server = S3Server::start().await;
    let proxy =
        ChaosProxy::start(server.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let bridge = bridge_on(server.settings_at(&proxy.url())).await;
    proxy.change(|conditions| conditions.bytes_per_s = Some(1_000_000));
    let (was, began) = (content(LARGE, 0), Instant::now());
    let link = recorded(&bridge, "call_1", &was).await;
    assert!(began.elapsed() > Duration::from_secs(8), "the line is not slow");
    assert!(bridge.get(&link).send().await.unwrap().bytes().await.unwrap() == was);
}

#[tokio::test]
async fn acknowledged_recordings_survive_a_killed_server() {
    let mut server = S3Server::start_to_be_killed().await;
    let bridge = bridge_on(server.settings()).await;
    let mut links = Vec::new();
    for n in 0..6 {
        let size = if n % 2 == 0 { LARGE } else { 100_000 };
        links.push((recorded(&bridge, &format!("call_k{n}"), &content(size, n)).await, content(size, n)));
    }
    let under_way = upload(&bridge, "call_x.wav", content(LARGE, 77), None);
    let (stored, ()) = tokio::join!(under_way, async { server.kill() });
    assert_eq!(stored.status(), StatusCode::SERVICE_UNAVAILABLE);
    answers_503_in_time(&bridge, &links[0].0, "killed").await;
    server.restart().await;
    recovers(&bridge, &links[0].0, &links[0].1).await;
    for (link, content) in &links {
        assert!(bridge.get(link).send().await.unwrap().bytes().await.unwrap() == *content);
    }
    recorded(&bridge, "call_x", &content(LARGE, 77)).await;
}

fn has(head: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(head).contains(part)
}

fn is_put(head: &[u8]) -> bool {
    has(head, "PUT /recordings/recordings/call_1")
}

fn is_completion(head: &[u8]) -> bool {
    has(head, "POST ") && has(head, "uploadId=")
}

/// What loses its answer, what tells it, how often, what is answered, and the sizes.
type Case = (&'static str, fn(&[u8]) -> bool, usize, StatusCode, &'static [usize]);

#[tokio::test]
async fn an_answer_that_is_lost_after_the_write_changes_nothing() {
    let server = S3Server::start().await;
    let target: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let cases: [Case; 3] = [
        ("a put", is_put, 1, StatusCode::OK, &[1000, LARGE]),
        // Every answer to it: the object tells whether it was done.
        ("completions", is_completion, 99, StatusCode::OK, &[LARGE]),
        ("puts", is_put, 99, StatusCode::SERVICE_UNAVAILABLE, &[1000]),
    ];
    for (to, picks, times, status, sizes) in cases {
        for size in sizes {
            let loss = Loss { picks, interim: Some(b"HTTP/1.1 100"), from: 0, times };
            let through = LosesAnswers::before(target, loss).await;
            let url = format!("http://{}", through.address);
            // In clear, to be compared as it is in the bucket.
            let bridge = TestBridge::start_with(|config| {
                config.storage.s3 = Some(server.settings_at(&url));
                config.storage.sealing = Sealing::Off;
            })
            .await;
            let was = content(*size, 3);
            let watch = Watch::start();
            let stored = upload(&bridge, "call_1.wav", was.clone(), Some(&sha256(&was))).await;
            let took = watch.took();
            assert_eq!(stored.status(), status, "{to}, {size} bytes");
            assert!(took < ANSWER, "{to} waited {took:?}");
            assert!(through.lost() > 0, "no answer was lost: {to}");
            let found = server.raw(Method::GET, "/recordings/call_1.wav").send().await.unwrap();
            assert!(found.bytes().await.unwrap() == was, "one object, and whole: {to}");
        }
    }
}
