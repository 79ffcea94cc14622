//! Recordings: in from core, out by login, by link, and from the worker until the upload is done.

use actix_web::{App, HttpRequest, HttpResponse, web};
use jiff::SignedDuration;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::fleet::hosts::NewHost;
use vox_bridge::serve::{Serving, serve};
use vox_shared::wire::SECRET_HEADER;

use crate::harness::servers::objects_in_files;
use crate::harness::{TestBridge, client, json, refusal, result};
#[cfg(feature = "s3")]
use crate::s3_server::S3Server;

pub async fn upload(bridge: &TestBridge, key: &str, content: Vec<u8>, sha256: Option<&str>) -> Response {
    let request = bridge.internal(Method::PUT, &format!("/api/v1/internal/recordings/{key}")).body(content);
    let request = match sha256 {
        Some(hash) => request.header("x-content-sha256", hash),
        None => request,
    };
    request.send().await.unwrap()
}

fn content() -> Vec<u8> {
    (0..200_000u32).map(|n| (n % 251) as u8).collect()
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect()
}

/// A finished call with this recording key.
pub async fn call_with(bridge: &TestBridge, session: &str, key: &str) -> Value {
    let mut result = result(session, "bot");
    result["recording_key"] = json!(key);
    assert_eq!(bridge.deliver(&result).await.status(), StatusCode::OK);
    bridge.call(session).await
}

#[tokio::test]
async fn an_upload_is_whole_checked_and_repeatable() {
    uploads_are_whole_checked_and_repeatable(TestBridge::start().await).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn an_upload_into_a_bucket_is_whole_checked_and_repeatable() {
    let server = S3Server::start().await;
    let settings = server.settings();
    uploads_are_whole_checked_and_repeatable(TestBridge::start_with(|c| c.storage.s3 = Some(settings)).await)
        .await;
}

async fn uploads_are_whole_checked_and_repeatable(bridge: TestBridge) {
    let content = content();
    let wrong = upload(&bridge, "call_1.wav", content.clone(), Some(&"0".repeat(64))).await;
    assert_eq!(refusal(wrong, StatusCode::UNPROCESSABLE_ENTITY).await, "wrong_hash");
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let path = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    assert_eq!(bridge.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "nothing was stored");

    for _ in 0..2 {
        let body =
            json(upload(&bridge, "call_1.wav", content.clone(), Some(&hash(&content))).await, StatusCode::OK)
                .await;
        assert_eq!(body, json!({"key": "call_1.wav", "size_bytes": 200_000, "sha256": hash(&content)}));
    }
    assert_eq!(bridge.get(&path).send().await.unwrap().bytes().await.unwrap(), content);

    let large = upload(&bridge, "call_2.wav", vec![0; 17 * 1024 * 1024], None).await;
    assert_eq!(refusal(large, StatusCode::PAYLOAD_TOO_LARGE).await, "too_large");
    for key in ["..%2f..%2fvox.sqlite", ".hidden", "a%00b", "%2fetc%2fpasswd"] {
        let refused = upload(&bridge, key, vec![1], None).await.status();
        assert!(refused.is_client_error(), "{key}: {refused}");
    }
}

#[tokio::test]
async fn parts_are_served_by_login_and_by_link() {
    parts_are_served(TestBridge::start().await).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn parts_out_of_a_bucket_are_served_by_login_and_by_link() {
    let server = S3Server::start().await;
    let settings = server.settings();
    parts_are_served(TestBridge::start_with(|c| c.storage.s3 = Some(settings)).await).await;
}

async fn parts_are_served(bridge: TestBridge) {
    let content = content();
    upload(&bridge, "call_1.wav", content.clone(), None).await;
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let token = bridge.token(Role::Agent).await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    let ways = [bridge.get("/api/v1/recordings/call_1").bearer_auth(token), bridge.get(&link)];
    for way in ways {
        let ask = |range: &str| way.try_clone().unwrap().header(RANGE, range).send();
        let whole = way.try_clone().unwrap().send().await.unwrap();
        assert_eq!(
            (whole.status(), &whole.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &"audio/wav".parse().unwrap())
        );
        let etag = whole.headers()[ETAG].clone();
        assert_eq!(whole.bytes().await.unwrap(), content);

        let part = ask("bytes=1000-1999").await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()[CONTENT_RANGE], "bytes 1000-1999/200000");
        assert_eq!(part.bytes().await.unwrap(), content[1000..2000]);
        assert_eq!(ask("bytes=-5").await.unwrap().bytes().await.unwrap(), content[199_995..]);

        let mut head = way.try_clone().unwrap().header(RANGE, "bytes=1000-1999").build().unwrap();
        *head.method_mut() = Method::HEAD;
        let head = client().execute(head).await.unwrap();
        assert_eq!(
            (head.status(), head.headers()[CONTENT_LENGTH].to_str().unwrap()),
            (StatusCode::OK, "200000")
        );
        assert!(head.headers().get(CONTENT_RANGE).is_none());

        let outside = ask("bytes=200000-").await.unwrap();
        assert_eq!(outside.headers()[CONTENT_RANGE], "bytes */200000");
        assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        let same =
            way.try_clone().unwrap().header(RANGE, "bytes=0-0").header(IF_RANGE, etag).send().await.unwrap();
        assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    }
}

#[tokio::test]
async fn a_workers_own_token_opens_the_recording_and_is_kept_as_a_hash_only() {
    let bridge = TestBridge::start().await;
    upload(&bridge, "call_1.wav", content(), None).await;
    let own = "a".repeat(40);
    let mut with_token = result("call_1", "bot");
    with_token["recording_key"] = json!("call_1.wav");
    with_token["recording_access_token"] = json!(own);
    bridge.deliver(&with_token).await;
    let status = bridge.get(&format!("/api/v1/public/recordings/{own}")).send().await.unwrap().status();
    assert_eq!(status, StatusCode::OK);
    assert!(!bridge.call("call_1").await.to_string().contains(&own));

    // A second call that claims the same token gets one of its own instead of opening the first one's recording.
    with_token["session_id"] = json!("call_2");
    assert_eq!(bridge.deliver(&with_token).await.status(), StatusCode::OK);
    assert!(bridge.call("call_2").await["recording_access_token"].is_string());
    for wrong in ["", "x", &"a".repeat(500)] {
        let path = format!("/api/v1/public/recordings/{wrong}");
        assert_eq!(bridge.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{wrong}");
    }
}

/// A machine that has the recording `call_1.wav`, for who shows the secret.
struct Machine {
    address: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Machine {
    async fn start(bridge: &TestBridge) -> Self {
        let secret = bridge.app.config.auth.internal_secret.expose_secret().to_owned();
        let files = move || {
            let secret = secret.clone();
            let file = move |key: web::Path<String>, asked: HttpRequest| {
                let known =
                    asked.headers().get(SECRET_HEADER).is_some_and(|s| s.as_bytes() == secret.as_bytes());
                let found = known && *key == "call_1.wav";
                async move {
                    if found { HttpResponse::Ok().body(content()) } else { HttpResponse::NotFound().finish() }
                }
            };
            App::new().route("/recordings/{key}", web::get().to(file))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, files, Serving::on_threads(1), stop.clone()));
        Self { address, stop, serving }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn until_the_upload_the_worker_is_asked() {
    let bridge = TestBridge::start().await;
    let machine = Machine::start(&bridge).await;
    let address = machine.address.clone();

    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    assert_eq!(
        bridge.get(&link).send().await.unwrap().status(),
        StatusCode::NOT_FOUND,
        "no worker is registered"
    );
    for (id, address) in [("wrk_dead", "http://127.0.0.1:9".to_owned()), ("wrk_1", address)] {
        let report = json!({
            "worker_id": id, "host": "h", "address": address, "slots": 1, "calls": 0, "build": "t", "draining": false, "pid": 1
        });
        let registered =
            bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await.unwrap();
        assert_eq!(registered.status(), StatusCode::OK);
    }
    assert_eq!(bridge.get(&link).send().await.unwrap().bytes().await.unwrap(), content());
    call_with(&bridge, "call_2", "call_2.wav").await;
    let call = bridge.call("call_2").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    assert_eq!(bridge.get(&link).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    machine.stop().await;
}

/// Hosts that hang were waited for one after the other, for as long as there were some, when the store had nothing.
#[tokio::test]
async fn hosts_that_hang_are_not_waited_for_to_the_end() {
    let bridge = TestBridge::start().await;
    // Connections are taken and never answered.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    bridge.app.fleet.add_host(&NewHost { name: "voice-1".into(), url }).await.unwrap();
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    let answer = bridge.get(&link).send().await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(refusal(answer, StatusCode::SERVICE_UNAVAILABLE).await, "timeout");
}

/// What a look at the recording of `call_1` tells.
async fn check(bridge: &TestBridge) -> Value {
    let asked = bridge.get("/api/v1/recordings/call_1/check").bearer_auth(bridge.token(Role::Admin).await);
    json(asked.send().await.unwrap(), StatusCode::OK).await
}

#[tokio::test]
async fn polled_hosts_are_asked_too_and_a_check_tells_each_try_with_its_result() {
    let bridge = TestBridge::start_with(objects_in_files).await;
    let machine = Machine::start(&bridge).await;
    for (name, url) in [("voice-1", machine.address.as_str()), ("voice-2", "http://127.0.0.1:9")] {
        let host = NewHost { name: name.into(), url: url.into() };
        bridge.app.fleet.add_host(&host).await.unwrap();
    }
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    let hears = || async { bridge.get(&link).send().await.unwrap() };
    assert_eq!(hears().await.bytes().await.unwrap(), content(), "from a host that is polled");
    let hosts = json!([
        {"host": "voice-1", "result": "has_it", "status": 200, "size_bytes": 200_000},
        {"host": "voice-2", "result": "no_answer", "status": null, "size_bytes": null},
    ]);
    let told = check(&bridge).await;
    assert_eq!(
        (&told["plays"], &told["key"]),
        (&json!(true), &json!({"result": "known", "key": "call_1.wav"}))
    );
    assert_eq!((&told["link"]["result"], &told["storage"]["result"]), (&json!("valid"), &json!("missing")));
    assert_eq!(told["hosts"], hosts);

    upload(&bridge, "call_1.wav", content(), None).await;
    let whole = json!({
        "store": "directory", "result": "whole", "detail": null, "sealed": true, "size_bytes": 200_000,
        "sha256": hash(&content()), "announced": false
    });
    assert_eq!(check(&bridge).await["storage"], whole, "what follows was not moved yet");
    bridge.app.relay.move_all().await.unwrap();
    assert_eq!(check(&bridge).await["storage"]["announced"], true);

    let stored = bridge.app.config.storage.data_dir.join("objects/recordings/call_1.wav");
    let mut bytes = std::fs::read(&stored).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&stored, bytes).unwrap();
    let told = check(&bridge).await;
    assert_eq!(
        (&told["storage"]["result"], &told["plays"]),
        (&json!("does_not_open"), &json!(true)),
        "{told}"
    );
    assert_eq!(hears().await.bytes().await.unwrap(), content(), "the host has it still");
    machine.stop().await;
    let told = check(&bridge).await;
    assert_eq!((&told["plays"], &told["hosts"][0]["result"]), (&json!(false), &json!("no_answer")));
    assert_eq!(hears().await.status(), StatusCode::INTERNAL_SERVER_ERROR);

    let days = json!({"expires_after_days": 1});
    let root = bridge.token(Role::SuperAdmin).await;
    let set = bridge.send(Method::PUT, "/api/v1/settings/recording-links", &root, days).await;
    assert_eq!(set.status(), StatusCode::OK);
    bridge.clock.advance(SignedDuration::from_hours(25));
    let told = check(&bridge).await;
    assert_eq!((&told["link"]["result"], told["link"]["ends_at"].is_string()), (&json!("expired"), true));
    let revoke = bridge.request(Method::DELETE, "/api/v1/calls/call_1/recording-link");
    let revoked = revoke.bearer_auth(bridge.token(Role::Admin).await).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(check(&bridge).await["link"], json!({"result": "revoked", "ends_at": null}));
    bridge.fetch_config("faq", &[("session_id", "call_2")]).await;
    let asked = bridge.get("/api/v1/recordings/call_2/check").bearer_auth(bridge.token(Role::Admin).await);
    let none = json(asked.send().await.unwrap(), StatusCode::OK).await;
    let expected = json!({
        "session_id": "call_2", "plays": false, "key": {"result": "none", "key": null},
        "link": {"result": "none", "ends_at": null}, "storage": null, "hosts": []
    });
    assert_eq!(none, expected);
}
