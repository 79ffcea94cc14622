//! What the bridge finds wrong with a bucket: at its start, in what it reads, and where links lead.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use reqwest::header::{LOCATION, RANGE};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::process::Command;
use vox_bridge::config::{Config, S3Settings, Sealing};
use vox_bridge::objects::{self, Key, ObjectError};

use crate::harness::{TestBridge, client, json};
use crate::object_conformance::{content, open, put, read, sha256};
use crate::recordings_are_stored_and_served::{call_with, upload};
use crate::s3_server::{S3Server, settings_of_nobody};

/// More than one part.
const LARGE: usize = 12_000_000;

async fn opened_with(settings: S3Settings) -> Result<(), ObjectError> {
    drop(client());
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::for_tests(dir.path().to_owned());
    config.storage.s3 = Some(settings);
    objects::open(&config.storage).await.map(drop)
}

#[tokio::test]
async fn a_bridge_does_not_start_on_a_bucket_that_it_may_not_use() {
    let server = S3Server::start().await;
    opened_with(server.settings()).await.unwrap();
    let refused =
        opened_with(S3Settings { bucket: "nowhere".into(), ..server.settings() }).await.unwrap_err();
    assert!(matches!(refused, ObjectError::NoBucket), "{refused:?}");
    for (settings, word) in [
        (S3Settings { secret_key: "of-somebody-else".into(), ..server.settings() }, "SignatureDoesNotMatch"),
        (S3Settings { access_key: "unknown".into(), ..server.settings() }, "InvalidAccessKeyId"),
    ] {
        let refused = opened_with(settings).await.unwrap_err();
        let told = refused.to_string();
        assert!(matches!(refused, ObjectError::Refused { .. }) && told.contains(word), "{told}");
        assert!(told.contains("VOX_S3_SECRET_KEY") && !told.contains("of-somebody-else"), "{told}");
    }
}

#[tokio::test]
async fn the_program_says_which_setting_to_look_at() {
    let (server, dir) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let run = |secret: &'static str, bucket: &'static str| {
        Command::new(env!("CARGO_BIN_EXE_vox-bridge"))
            .env_clear()
            .envs([
                ("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN"),
                ("VOXCORE_SECRET", "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo"),
                ("VOX_BRIDGE_ADDR", "127.0.0.1:0"),
                ("VOX_BRIDGE_METRICS_LISTEN", "off"),
                ("VOX_S3_URL", server.url.as_str()),
                ("VOX_S3_ACCESS_KEY", "testkey"),
                ("VOX_S3_SECRET_KEY", secret),
                ("VOX_S3_BUCKET", bucket),
                ("LOG_LEVEL", "trace"),
            ])
            .env("VOX_DATA_DIR", dir.path())
            .kill_on_drop(true)
            .output()
    };
    for (secret, bucket, named) in
        [("testsecret", "nowhere", "VOX_S3_BUCKET"), ("a-wrong-secret", "recordings", "VOX_S3_SECRET_KEY")]
    {
        let output = tokio::time::timeout(Duration::from_secs(10), run(secret, bucket)).await;
        let output = output.expect("it gives up by itself").unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(named), "{told}");
        assert!(!told.contains(secret), "a secret is in the log, at its most talkative");
    }
}

/// Recordings are not what a bridge is needed for most.
#[tokio::test]
async fn a_bridge_starts_while_s3_is_away() {
    let settings = settings_of_nobody();
    let bridge = TestBridge::start_with(|config| config.storage.s3 = Some(settings)).await;
    let health: Value = json(bridge.get("/health").send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(
        (&health["status"], &health["parts"]["recordings"]),
        (&"degraded".into(), &"unavailable".into())
    );
    assert_eq!(bridge.fetch_config("faq", &[]).await.status(), StatusCode::OK);
}

/// Put something else under a key, as if it were still what was stored.
async fn tamper(server: &S3Server, key: &str, was: &[u8], now: Vec<u8>) {
    let request =
        server.raw(Method::PUT, &format!("/recordings/{key}")).header("x-amz-meta-vox-sha256", sha256(was));
    assert_eq!(request.body(now).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_object_that_was_changed_is_not_handed_out_as_a_whole() {
    let (server, dir) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let store = open(&server, dir.path()).await;
    let key = Key::parse("recordings/x").unwrap();
    for size in [1000, 3_000_000] {
        let was = content(size, 0);
        put(&store, "x", &was).await.unwrap();
        let mut now = was.clone();
        now[size / 2] ^= 1;
        tamper(&server, "x", &was, now.clone()).await;
        let pieces = store.get(key.clone(), 0..size as u64).await.unwrap().unwrap();
        let told = pieces.try_collect::<Vec<Bytes>>().await.unwrap_err();
        assert_eq!(told.kind(), std::io::ErrorKind::InvalidData, "{told}");
        let part =
            store.get(key.clone(), 5..10).await.unwrap().unwrap().try_collect::<Vec<Bytes>>().await.unwrap();
        assert_eq!(part.concat(), now[5..10], "a part has no hash");
        tamper(&server, "x", &was, was.clone()).await;
        assert!(read(&store, "x").await.unwrap() == was);
    }
    // Between the look and the reading.
    tamper(&server, "x", b"short", b"short".to_vec()).await;
    for range in [0..1000, 500..1000] {
        let told = store.get(key.clone(), range).await.map(drop).unwrap_err();
        assert!(matches!(told, ObjectError::Changed), "{told:?}");
    }
    // What other tools brought has no hash, and is read all the same.
    let brought = server.raw(Method::PUT, "/recordings/brought").body("from elsewhere").send().await.unwrap();
    assert_eq!(brought.status(), StatusCode::OK);
    assert_eq!(read(&store, "brought").await.unwrap(), b"from elsewhere");
}

#[tokio::test]
async fn a_damaged_recording_is_cut_off_before_its_end() {
    let server = S3Server::start().await;
    let settings = server.settings();
    let bridge = TestBridge::start_with(|config| config.storage.s3 = Some(settings)).await;
    let was = content(LARGE, 0);
    let stored = upload(&bridge, "call_1.wav", was.clone(), Some(&sha256(&was))).await;
    let stored = json(stored, StatusCode::OK).await;
    assert_eq!(stored["sha256"], sha256(&was));
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    assert!(bridge.get(&link).send().await.unwrap().bytes().await.unwrap() == was);
    let part = bridge.get(&link).header(RANGE, "bytes=5242870-5242889").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), was[5_242_870..5_242_890]);
    let mut now = was.clone();
    now[7] ^= 1;
    tamper(&server, "call_1.wav", &was, now).await;
    let read = bridge.get(&link).send().await.unwrap().bytes().await;
    assert!(read.is_err(), "the reader takes it for whole");
}

#[tokio::test]
async fn links_lead_to_the_servers_own_address_when_that_is_set() {
    let server = S3Server::start().await;
    let settings = S3Settings { link_url: Some(server.url.parse().unwrap()), ..server.settings() };
    let bridge = TestBridge::start_with(|config| {
        config.storage.s3 = Some(settings);
        // As the settings have it with such an address: the server cannot open what is sealed.
        config.storage.sealing = Sealing::Off;
    })
    .await;
    let was = content(1000, 0);
    upload(&bridge, "call_1.wav", was.clone(), None).await;
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    let followed_by_hand =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let asked = followed_by_hand.unwrap().get(format!("{}{link}", bridge.url)).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::TEMPORARY_REDIRECT);
    let address = asked.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(address.starts_with(&server.url) && address.contains("X-Amz-Expires=86400"), "{address}");
    assert!(!address.contains("testsecret"));
    let part = client().get(&address).header(RANGE, "bytes=10-19").send().await.unwrap();
    assert_eq!(part.bytes().await.unwrap(), was[10..20]);
    let changed = address.replace("X-Amz-Expires=86400", "X-Amz-Expires=86401");
    assert_eq!(client().get(changed).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(bridge.request(Method::HEAD, &link).send().await.unwrap().status(), StatusCode::OK);
    call_with(&bridge, "call_2", "call_2.wav").await;
    let call = bridge.call("call_2").await;
    let link = format!("/api/v1/public/recordings/{}", call["recording_access_token"].as_str().unwrap());
    assert_eq!(bridge.get(&link).send().await.unwrap().status(), StatusCode::NOT_FOUND, "not uploaded yet");
}

/// Nothing is sent for a link, so no such server is needed.
#[tokio::test]
async fn the_bucket_is_in_the_path_or_in_the_host_name() {
    drop(client());
    for (path_style, begins) in [
        (true, "https://files.example/recordings/recordings/x?"),
        (false, "https://recordings.files.example/recordings/x?"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(dir.path().to_owned());
        let link_url = Some("https://files.example".parse().unwrap());
        config.storage.s3 = Some(S3Settings { path_style, link_url, ..settings_of_nobody() });
        let store = objects::open(&config.storage).await.unwrap();
        let link =
            store.link(Key::parse("recordings/x").unwrap(), Duration::from_secs(60)).await.unwrap().unwrap();
        assert!(link.starts_with(begins) && link.contains("X-Amz-Signature="), "{link}");
    }
}
