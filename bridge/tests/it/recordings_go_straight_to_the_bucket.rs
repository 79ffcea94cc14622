//! A recording that its worker puts into the bucket itself, in parts: what is there is asked, what is put together is read back, and it
//! is what the bridge serves.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vox_bridge::auth::role::Role;
use vox_bridge::config::Sealing;
use vox_bridge::objects::direct::Mark;
use vox_bridge::objects::directory::Lock;
use vox_bridge::objects::s3::S3;
use vox_bridge::objects::{Key, Objects};
use vox_shared::sealing::{FileKey, Piece};
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::proof::CALL_TOKEN_HEADER;
use vox_shared::wire::upload::{DirectUpload, Plan};

use crate::harness::{TestBridge, client, json, refusal};
use crate::object_conformance::{content, sha256};
use crate::recordings_are_stored_and_served::{call_with, upload};
use crate::s3_server::{S3Server, eventually};

/// Three parts, the last of them small.
const SIZE: usize = 17_000_000;
const PARTS: [u32; 3] = [1, 2, 3];
/// Where the bucket has an upload's mark.
const MARK: &str = "x-amz-meta-vox-upload";

/// Whoever has a recording and the workers' secret.
struct Worker {
    url: String,
    secret: String,
}

impl Worker {
    fn of(bridge: &TestBridge) -> Self {
        let secret = bridge.app.config.auth.internal_secret.expose_secret().to_owned();
        Self { url: bridge.url.clone(), secret }
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = client().post(format!("{}{path}", self.url)).header(SECRET_HEADER, &self.secret);
        request.json(body).send().await.unwrap()
    }

    async fn ask(&self, key: &str, what: (usize, &str), upload: Option<&str>) -> Response {
        let body = json!({"version": 1, "size_bytes": what.0, "sha256": what.1, "upload": upload});
        self.post(&format!("/api/v1/internal/recordings/{key}/direct"), &body).await
    }

    async fn begin(&self, key: &str, content: &[u8], upload: Option<&str>) -> DirectUpload {
        let answer = self.ask(key, (content.len(), &sha256(content)), upload).await;
        let told = json(answer, StatusCode::OK).await;
        assert_eq!(told["how"], "direct", "{told}");
        serde_json::from_value(told).unwrap()
    }

    async fn complete(&self, key: &str, upload: &str) -> Response {
        let path = format!("/api/v1/internal/recordings/{key}/direct/complete");
        self.post(&path, &json!({"version": 1, "upload": upload})).await
    }
}

/// A part as a worker makes it.
fn part(content: &[u8], told: &DirectUpload, number: u32) -> Vec<u8> {
    let plan = Plan::told(content.len() as u64, told);
    let of = |range: Range<u64>| range.start as usize..range.end as usize;
    let Some(seal) = &told.seal else {
        let pieces = plan.pieces_of(number);
        return content[of(plan.piece(pieces.start).start..plan.piece(pieces.end - 1).end)].to_vec();
    };
    let key = FileKey::new(&STANDARD.decode(seal.key.expose()).unwrap().try_into().unwrap());
    let mut part = if number == 1 { STANDARD.decode(&seal.head).unwrap() } else { Vec::new() };
    for number in plan.pieces_of(number) {
        let mut piece = content[of(plan.piece(number))].to_vec();
        let is_last = number + 1 == plan.pieces();
        key.seal(Piece { number: number as u32, is_last }, &mut piece);
        part.extend_from_slice(&piece);
    }
    assert_eq!(part.len() as u64, plan.bytes_of(number), "part {number}");
    part
}

async fn put(told: &DirectUpload, number: u32, part: Vec<u8>) -> StatusCode {
    let url = told.urls.iter().find(|part| part.number == number).expect("it is missing");
    client().put(&url.url).body(part).send().await.unwrap().status()
}

async fn put_all(content: &[u8], told: &DirectUpload) {
    for url in &told.urls {
        let status = put(told, url.number, part(content, told, url.number)).await;
        assert_eq!(status, StatusCode::OK, "part {}", url.number);
    }
}

fn numbers(told: &DirectUpload) -> (Vec<u32>, Vec<u32>) {
    (told.stored.clone(), told.urls.iter().map(|part| part.number).collect())
}

async fn bridge_on(server: &S3Server, sealing: Sealing, addresses: Option<Duration>) -> TestBridge {
    let settings = server.settings();
    TestBridge::start_with(|config| {
        config.storage.s3 = Some(settings);
        config.storage.max_recording_bytes = 32 * 1024 * 1024;
        config.storage.sealing = sealing;
        if let Some(s3) = &mut config.storage.s3 {
            s3.direct = addresses;
        }
    })
    .await
}

async fn link_of(bridge: &TestBridge, call: &str, key: &str) -> String {
    let call = call_with(bridge, call, key).await;
    format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap())
}

#[tokio::test]
async fn an_upload_is_gone_on_with_at_another_bridge_and_is_what_was_announced() {
    const KEY: &str = "20261120-call_1.wav";
    let server = S3Server::start().await;
    let bridge = bridge_on(&server, Sealing::On, Some(Duration::from_mins(15))).await;
    let link = link_of(&bridge, "call_1", KEY).await;
    let (worker, was) = (Worker::of(&bridge), content(SIZE, 1));
    let small = json(worker.ask(KEY, (5_000_000, &sha256(b"x")), None).await, StatusCode::OK).await;
    assert_eq!(small, json!({"how": "bridge"}), "one request is less than four");
    let first = worker.begin(KEY, &was, None).await;
    let told = worker.begin(KEY, &was, Some(&first.upload)).await;
    assert_eq!(numbers(&told), (vec![], PARTS.to_vec()));
    assert_eq!(upload_id(&told), upload_id(&first), "an upload without parts is the same upload");
    assert_eq!(put(&told, 2, part(&was, &told, 2)).await, StatusCode::OK);
    let early = worker.complete(KEY, &told.upload).await;
    assert_eq!(refusal(early, StatusCode::CONFLICT).await, "parts_missing");
    assert_eq!(bridge.get(&link).send().await.unwrap().status(), StatusCode::NOT_FOUND);

    // The bridge that began it is gone, and another one has never heard of it.
    let worker = Worker { url: bridge.serve_second().await, ..worker };
    let told = worker.begin(KEY, &was, Some(&told.upload)).await;
    assert_eq!(numbers(&told), (vec![2], vec![1, 3]));
    put_all(&was, &told).await;
    // The answer may be lost: it is asked for again.
    for _ in 0..2 {
        let stored = json(worker.complete(KEY, &told.upload).await, StatusCode::OK).await;
        assert_eq!(stored, json!({"key": KEY, "size_bytes": SIZE, "sha256": sha256(&was)}));
        let told = worker.begin(KEY, &was, Some(&told.upload)).await;
        assert_eq!(numbers(&told), (PARTS.to_vec(), vec![]));
    }
    assert!(bridge.get(&link).send().await.unwrap().bytes().await.unwrap() == was);
    let kept = server.raw(Method::GET, &format!("/recordings/{KEY}")).send().await.unwrap();
    let kept = kept.bytes().await.unwrap();
    assert!(kept.starts_with(b"VOXSEAL1") && !kept.windows(64).any(|bytes| bytes == &was[..64]));
    assert!(!server.has_unfinished().await);
}

#[tokio::test]
async fn what_is_not_as_announced_or_another_calls_is_refused() {
    const KEY: &str = "20261120-call_2.wav";
    let server = S3Server::start().await;
    let bridge = bridge_on(&server, Sealing::On, Some(Duration::from_secs(1))).await;
    let link = link_of(&bridge, "call_2", KEY).await;
    let (worker, was) = (Worker::of(&bridge), content(SIZE, 2));
    let is_nothing_kept = async || {
        let there = server.raw(Method::GET, &format!("/recordings/{KEY}")).send().await.unwrap().status();
        there == StatusCode::NOT_FOUND
            && bridge.get(&link).send().await.unwrap().status() == StatusCode::NOT_FOUND
    };
    // The address of a part is good for a while, and then another is given.
    let told = worker.begin(KEY, &was, None).await;
    let last = part(&was, &told, 3);
    let is_over = async || put(&told, 3, last.clone()).await == StatusCode::FORBIDDEN;
    assert!(eventually(Duration::from_secs(10), is_over).await, "an address is good for ever");
    let missing = told.urls[0].number;
    let upload = Some(told.upload.clone());
    put_in_time(&worker, (KEY, &was), upload, (missing, part(&was, &told, missing))).await;

    // Another content than was announced, and one that is not sealed as it was told.
    let other = content(SIZE, 3);
    let told = worker.begin(KEY, &was, None).await;
    let upload = put_fresh(&worker, (KEY, &was), |number| part(&other, &told, number)).await;
    let refused = worker.complete(KEY, &upload).await;
    assert_eq!(refusal(refused, StatusCode::UNPROCESSABLE_ENTITY).await, "wrong_hash");
    assert!(is_nothing_kept().await);
    let told = worker.begin(KEY, &was, Some(&upload)).await;
    assert_eq!(told.stored, Vec::<u32>::new(), "it begins anew");
    let upload = put_fresh(&worker, (KEY, &was), |number| vec![7; part(&was, &told, number).len()]).await;
    let refused = worker.complete(KEY, &upload).await;
    assert_eq!(refusal(refused, StatusCode::UNPROCESSABLE_ENTITY).await, "wrong_hash");
    assert!(is_nothing_kept().await);

    // Of another recording, of another call, and nonsense.
    let told = worker.begin(KEY, &was, None).await;
    let refused = worker.complete("20261120-call_3.wav", &told.upload).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "upload_gone");
    let config = json(bridge.fetch_config("faq", &[("session_id", "call_4")]).await, StatusCode::OK).await;
    let token = config["call_token"].as_str().unwrap();
    for path in ["direct", "direct/complete"] {
        let path = format!("/api/v1/internal/recordings/{KEY}/{path}");
        let body = json!({"size_bytes": SIZE, "sha256": sha256(&was), "upload": told.upload});
        let request = bridge.request(Method::POST, &path).header(CALL_TOKEN_HEADER, token).json(&body);
        assert_eq!(refusal(request.send().await.unwrap(), StatusCode::FORBIDDEN).await, "wrong_call");
    }
    let refused = worker.ask(KEY, (SIZE, "no hash"), None).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused = worker.ask(KEY, (usize::MAX / 2, &sha256(&was)), None).await;
    assert_eq!(refusal(refused, StatusCode::PAYLOAD_TOO_LARGE).await, "too_large");
}

/// What the server calls an upload.
fn upload_id(told: &DirectUpload) -> String {
    let url = reqwest::Url::parse(&told.urls[0].url).unwrap();
    url.query_pairs().find(|(name, _)| name == "uploadId").unwrap().1.into_owned()
}

/// Put every part of a new upload, each by an address that is good now; what the upload is called.
async fn put_fresh(worker: &Worker, (key, was): (&str, &[u8]), made: impl Fn(u32) -> Vec<u8>) -> String {
    let mut upload = None;
    for number in PARTS {
        upload = Some(put_in_time(worker, (key, was), upload, (number, made(number))).await);
    }
    upload.expect("it has parts")
}

/// Put a part by an address that is good now, which may be over on a busy machine before it is used; what the upload is called.
async fn put_in_time(
    worker: &Worker,
    (key, was): (&str, &[u8]),
    mut upload: Option<String>,
    (number, content): (u32, Vec<u8>),
) -> String {
    for _ in 0..20 {
        let told = worker.begin(key, was, upload.as_deref()).await;
        match put(&told, number, content.clone()).await {
            StatusCode::FORBIDDEN => upload = Some(told.upload),
            status => {
                assert_eq!(status, StatusCode::OK, "part {number}");
                return told.upload;
            }
        }
    }
    panic!("no address of part {number} was good for long enough");
}

#[tokio::test]
async fn a_setting_sends_all_through_the_bridge_and_clear_recordings_go_clear() {
    const KEY: &str = "20261120-call_5.wav";
    let server = S3Server::start().await;
    let was = content(SIZE, 5);
    let bridge = bridge_on(&server, Sealing::On, None).await;
    let told = Worker::of(&bridge).ask(KEY, (SIZE, &sha256(&was)), None).await;
    assert_eq!(json(told, StatusCode::OK).await, json!({"how": "bridge"}));
    let bridge = bridge_on(&server, Sealing::Off, Some(Duration::from_mins(15))).await;
    let worker = Worker::of(&bridge);
    let told = worker.begin(KEY, &was, None).await;
    assert!(told.seal.is_none());
    put_all(&was, &told).await;
    json(worker.complete(KEY, &told.upload).await, StatusCode::OK).await;
    let kept = server.raw(Method::GET, &format!("/recordings/{KEY}")).send().await.unwrap();
    assert!(kept.bytes().await.unwrap() == was);
}

/// Whoever was erased is told that nothing is left, and the parts lay in the bucket for a day.
#[tokio::test]
async fn a_call_that_is_deleted_leaves_no_parts_of_its_recording() {
    const KEY: &str = "20261120-call_6.wav";
    const OTHER: &str = "20261120-call_6.wav.part.wav";
    let server = S3Server::start().await;
    let bridge = bridge_on(&server, Sealing::On, Some(Duration::from_mins(15))).await;
    link_of(&bridge, "call_6", KEY).await;
    let (worker, was) = (Worker::of(&bridge), content(SIZE, 6));
    let told = worker.begin(KEY, &was, None).await;
    assert_eq!(put(&told, 1, part(&was, &told, 1)).await, StatusCode::OK);
    // Another's, whose name begins with the whole of the first one's.
    let other = worker.begin(OTHER, &was, None).await;
    assert!(server.has_unfinished().await);

    let admin = bridge.token(Role::Admin).await;
    let gone = bridge.send(Method::DELETE, "/api/v1/calls/call_6", &admin, Value::Null).await;
    assert!(gone.status().is_success(), "{}", gone.status());
    assert_eq!(put(&told, 2, part(&was, &told, 2)).await, StatusCode::NOT_FOUND, "its parts are gone");
    assert_eq!(refusal(worker.complete(KEY, &told.upload).await, StatusCode::CONFLICT).await, "upload_gone");
    let again = json(worker.ask(KEY, (SIZE, &sha256(&was)), None).await, StatusCode::OK).await;
    assert_eq!(again, json!({"how": "bridge"}), "which takes it and keeps nothing");
    put_all(&was, &other).await;
    json(worker.complete(OTHER, &other.upload).await, StatusCode::OK).await;
    assert!(!server.has_unfinished().await);
}

/// A server lists a thousand at a time, and those behind them were never looked at.
#[tokio::test]
async fn all_uploads_that_nobody_goes_on_with_are_given_up_however_many_they_are() {
    const MANY: usize = 1_005;
    let server = S3Server::start().await;
    let (dir, mut settings) = (tempfile::tempdir().unwrap(), server.settings());
    settings.direct = Some(Duration::from_mins(15));
    let store = S3::open(&settings, Lock::take(dir.path()).unwrap()).await.unwrap();
    let direct = store.direct().unwrap();
    let begin = |n: usize| {
        let mark = Mark { mark: format!("mark {n}"), sha256: None };
        // The last have many of one name.
        direct.begin(Key::of_recording(&format!("call_{}.wav", n.min(MANY - 9))).unwrap(), mark)
    };
    let begun: Vec<_> = stream::iter(0..MANY).map(begin).buffer_unordered(16).collect().await;
    assert!(begun.into_iter().all(|begun| begun.is_ok()));
    assert_eq!(store.give_up_unfinished(Duration::ZERO).await.unwrap(), MANY);
    assert!(!server.has_unfinished().await);
}

/// A server whose key may put parts and not list them, as the policy of older versions had it: where it listens.
async fn lists_no_parts(server: &S3Server) -> String {
    const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\ncontent-length: 44\r\nconnection: close\r\n\r\n\
                           <Error><Code>AccessDenied</Code></Error>    ";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move {
                let mut up = vec![0; 65_536];
                let (mut read_server, mut write_server) = server.split();
                let (mut read_client, mut write_client) = client.split();
                loop {
                    let mut down = vec![0; 65_536];
                    tokio::select! {
                        Ok(read @ 1..) = read_client.read(&mut up) => {
                            let head = String::from_utf8_lossy(&up[..read]);
                            if head.starts_with("GET ") && head.contains("uploadId=") {
                                let _ = write_client.write_all(REFUSED.as_bytes()).await;
                                return;
                            }
                            if write_server.write_all(&up[..read]).await.is_err() { return }
                        }
                        Ok(read @ 1..) = read_server.read(&mut down) => {
                            if write_client.write_all(&down[..read]).await.is_err() { return }
                        }
                        else => return,
                    }
                }
            });
        }
    });
    url
}

/// Otherwise every recording would be sent in parts, and none ever be put together.
#[tokio::test]
async fn a_key_that_may_not_list_parts_sends_recordings_through_the_bridge() {
    const KEY: &str = "20261120-call_6.wav";
    let server = S3Server::start().await;
    let url = lists_no_parts(&server).await;
    let mut settings = server.settings_at(&url);
    settings.direct = Some(Duration::from_mins(15));
    let bridge = TestBridge::start_with(|config| {
        config.storage.s3 = Some(settings);
        config.storage.max_recording_bytes = 32 * 1024 * 1024;
    })
    .await;
    let was = content(SIZE, 6);
    let worker = Worker::of(&bridge);
    let told = worker.ask(KEY, (SIZE, &sha256(&was)), None).await;
    assert_eq!(json(told, StatusCode::OK).await, json!({"how": "bridge"}));
    assert!(!server.has_unfinished().await, "the upload that was begun to find out is given up");
    json(upload(&bridge, KEY, was.clone(), Some(&sha256(&was))).await, StatusCode::OK).await;
    // What was begun while it might: put together it cannot be, and it is begun anew.
    let could = bridge_on(&server, Sealing::On, Some(Duration::from_mins(15))).await;
    const LATER: &str = "20261120-call_7.wav";
    let told = Worker::of(&could).begin(LATER, &was, None).await;
    let secret = could.app.config.auth.internal_secret.expose_secret().to_owned();
    assert_eq!(secret, worker.secret, "a ticket of one is good at the other");
    put_all(&was, &told).await;
    let refused = worker.complete(LATER, &told.upload).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "upload_gone");
}

/// Completing put what had come in the place of a recording that a worker was told is safe, and deleted both when it was not what was
/// announced.
#[tokio::test]
async fn a_recording_that_is_safe_is_neither_replaced_unseen_nor_deleted() {
    const KEY: &str = "20261120-call_8.wav";
    const DAMAGED: &str = "20261120-call_9.wav";
    let server = S3Server::start().await;
    let bridge = bridge_on(&server, Sealing::On, Some(Duration::from_mins(15))).await;
    let link = link_of(&bridge, "call_8", KEY).await;
    let (worker, was, other) = (Worker::of(&bridge), content(SIZE, 8), content(SIZE, 9));
    let told = worker.begin(KEY, &other, None).await;
    // While its parts are under way the recording comes through the bridge.
    json(upload(&bridge, KEY, was.clone(), Some(&sha256(&was))).await, StatusCode::OK).await;
    for number in PARTS {
        assert_eq!(put(&told, number, vec![7; part(&other, &told, number).len()]).await, StatusCode::OK);
    }
    let refused = worker.complete(KEY, &told.upload).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "upload_gone");
    assert!(!server.has_unfinished().await, "its parts are given up");
    for upload in [None, Some(told.upload.as_str())] {
        let anew = worker.ask(KEY, (SIZE, &sha256(&other)), upload).await;
        assert_eq!(
            json(anew, StatusCode::OK).await,
            json!({"how": "bridge"}),
            "which looks before it replaces"
        );
    }
    assert!(bridge.get(&link).send().await.unwrap().bytes().await.unwrap() == was);

    // One that went straight there, and is damaged since: completing it again says so and deletes nothing.
    let told = worker.begin(DAMAGED, &was, None).await;
    put_all(&was, &told).await;
    json(worker.complete(DAMAGED, &told.upload).await, StatusCode::OK).await;
    let object = format!("/recordings/{DAMAGED}");
    let there = server.raw(Method::HEAD, &object).send().await.unwrap();
    let (mark, size) = (there.headers()[MARK].clone(), there.headers()["content-length"].to_str().unwrap());
    let damaged = vec![7; size.parse().unwrap()];
    let spoilt = server.raw(Method::PUT, &object).header(MARK, mark).body(damaged).send().await.unwrap();
    assert!(spoilt.status().is_success());
    let refused = worker.complete(DAMAGED, &told.upload).await;
    assert_eq!(refusal(refused, StatusCode::UNPROCESSABLE_ENTITY).await, "wrong_hash");
    let there = server.raw(Method::HEAD, &object).send().await.unwrap();
    assert_eq!(there.status(), StatusCode::OK, "what is left of it may be mended");
}
