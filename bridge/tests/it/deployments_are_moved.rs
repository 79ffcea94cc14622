//! A whole deployment moves from the embedded engines to MongoDB and S3, and back, by the real program, and its users see no difference.

mod everything;

use std::ops::Range;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::process::Command;
use vox_bridge::auth::role::Role;
use vox_bridge::config::{Sealing, Storage};
use vox_bridge::copy::CopyError;
use vox_bridge::deployment::Deployment;
use vox_bridge::first_start::ADMIN_EMAIL;
use vox_bridge::objects::{Answer, ByteStream, Expected, Head, Key, Objects, Written};
use vox_bridge::store::Stores;
use vox_bridge::store::calls::CALLS;
use vox_bridge::vault::master::MasterKeys;

use crate::harness::mongodb::MongoDb;
use crate::harness::{TestBridge, json, result};
use crate::s3_server::{S3Server, settings_of_nobody};

const MASTER_KEY: &str = "a2V5IG9mIGJvdGggc2lkZXMgb2YgYSBtb3ZlICEhISE=";
/// A vendor key that is searched for.
const CANARY: &str = "sk-canary-0123456789abcdef";

fn storage(data_dir: &Path, mongodb_uri: Option<&str>) -> Storage {
    Storage {
        data_dir: data_dir.to_owned(),
        mongodb_uri: mongodb_uri.map(SecretString::from),
        master_keys: Some(MasterKeys::parse(MASTER_KEY).unwrap()),
        max_recording_bytes: 16 * 1024 * 1024,
        s3: None,
        sealing: Sealing::On,
    }
}

async fn start(storage: &Storage) -> TestBridge {
    TestBridge::start_with(|config| config.storage = storage.clone()).await
}

/// The settings of a deployment's stores as a file, the way a person writes them.
fn write_settings(file: &Path, storage: &Storage) {
    let mut text = format!("# stores\nVOX_DATA_DIR=\"{}\"\n\n", storage.data_dir.display());
    if storage.master_keys.is_some() {
        text.push_str(&format!("VOX_MASTER_KEY={MASTER_KEY}\n"));
    }
    if let Some(uri) = &storage.mongodb_uri {
        text.push_str(&format!("VOX_MONGODB_URI = {}\n", uri.expose_secret()));
    }
    if let Some(s3) = &storage.s3 {
        let secret = |secret: &SecretString| secret.expose_secret().to_owned();
        text.push_str(&format!("VOX_S3_URL={}\nVOX_S3_BUCKET='{}'\n", s3.url, s3.bucket));
        text.push_str(&format!("VOX_S3_ACCESS_KEY={}\n", secret(&s3.access_key)));
        text.push_str(&format!("VOX_S3_SECRET_KEY={}\n", secret(&s3.secret_key)));
    }
    std::fs::write(file, text).unwrap();
}

async fn program(arguments: &[&str], vars: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vox-bridge"));
    command.args(arguments).env_clear().envs(vars.iter().copied()).kill_on_drop(true);
    command.output().await.unwrap()
}

async fn copy(dir: &Path, from: &Storage, to: &Storage) -> Output {
    let (source, target) = (dir.join("from.env"), dir.join("to.env"));
    write_settings(&source, from);
    write_settings(&target, to);
    let paths = [source, target].map(|path| path.display().to_string());
    program(&["copy", "--from", &paths[0], "--to", &paths[1]], &[]).await
}

fn told(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    text.concat()
}

/// Calls with recordings, bots of two tenants, users.
async fn fill(bridge: &TestBridge) {
    let tenant = bridge.insert_tenant("other").await;
    let owner = bridge.token_of(&tenant, Role::Admin).await;
    for name in ["One", "Zwei \u{0}\u{1F600}"] {
        let bot = json!({"name": name, "system_prompt": "p", "opening_message": "o",
            "llm": {"provider": "openai", "model": "gpt-5-mini", "api_key": CANARY},
            "variables": {"a.b": 1, "$set": {"x": -9_007_199_254_740_993_i64}, "big": u64::MAX, "half": 0.5}});
        let made = bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&owner).json(&bot);
        json(made.send().await.unwrap(), StatusCode::CREATED).await;
    }
    let doctor = bridge.token_of(&tenant, Role::SuperAdmin).await;
    let keys = bridge.get("/api/v1/vendor-keys").bearer_auth(&doctor).send().await.unwrap();
    assert!(json(keys, StatusCode::OK).await.to_string().contains(CANARY));
    for n in 0..30_u8 {
        let session = format!("call_{n}");
        let key = format!("{session}.wav");
        let upload = bridge.internal(Method::PUT, &format!("/api/v1/internal/recordings/{key}"));
        let answer = upload.body(vec![n; 50_000 + usize::from(n)]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut result = result(&session, if n % 2 == 0 { "bot" } else { "customer" });
        result["recording_key"] = json!(key);
        assert_eq!(bridge.deliver(&result).await.status(), StatusCode::OK);
    }
}

/// The access token of the first administrator.
async fn administrator(bridge: &TestBridge, password: &str) -> String {
    let session = json(bridge.log_in(ADMIN_EMAIL, password).await, StatusCode::OK).await;
    session["access_token"].as_str().unwrap().to_owned()
}

/// What the first administrator and the other tenant's bots look like from outside.
async fn seen(bridge: &TestBridge, token: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut lists = vec!["/api/v1/bots?limit=50".to_owned(), "/api/v1/calls?limit=50".to_owned()];
    lists.extend((0..30).map(|n| format!("/api/v1/calls/call_{n}")));
    for path in lists {
        let answer = json(bridge.get(&path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await;
        // Links begin with the address, which is another one after each start.
        seen.push(serde_json::from_str(&answer.to_string().replace(&bridge.url, "http://bridge")).unwrap());
    }
    let listed = bridge.tools(Method::GET, "/api/v1/internal/bots").send().await.unwrap();
    seen.push(json(listed, StatusCode::OK).await);
    for n in [0, 17, 29] {
        let path = format!("/api/v1/recordings/call_{n}");
        let answer = bridge.get(&path).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        seen.push(answer.bytes().await.unwrap().to_vec().into());
    }
    seen
}

#[tokio::test]
async fn to_mongodb_and_s3_and_back_without_a_difference() {
    let (dir, server, bucket) = (tempfile::tempdir().unwrap(), MongoDb::start(), S3Server::start().await);
    let embedded = storage(&dir.path().join("embedded"), None);
    let elsewhere = Storage {
        s3: Some(bucket.settings()),
        ..storage(&dir.path().join("elsewhere"), Some(&server.uri()))
    };
    let back = storage(&dir.path().join("back"), None);

    let bridge = start(&embedded).await;
    fill(&bridge).await;
    let password = bridge.admin_password.expose_secret().to_owned();
    let token = administrator(&bridge, &password).await;
    let ids = everything::fill(&bridge, &token).await;
    let before = seen(&bridge, &token).await;
    let all_before = everything::seen(&bridge, &token, &ids).await;
    let sum = everything::summed(&bridge, &token).await;
    let refused = copy(dir.path(), &embedded, &elsewhere).await;
    assert!(!refused.status.success() && told(&refused).contains("used by another process"), "a bridge runs");
    bridge.stop().await;

    for (from, to) in [(&embedded, &elsewhere), (&elsewhere, &back)] {
        let copied = copy(dir.path(), from, to).await;
        let text = told(&copied);
        assert!(copied.status.success() && text.contains("copied and the same"), "{text}");
        assert!(text.contains("recordings               34") && !text.contains("testsecret"), "{text}");
        let again = copy(dir.path(), from, to).await;
        assert!(!again.status.success() && told(&again).contains("it has tenants"), "{}", told(&again));
    }
    for storage in [&elsewhere, &back] {
        let bridge = start(storage).await;
        let token = administrator(&bridge, &password).await;
        assert_eq!(seen(&bridge, &token).await, before);
        let all = everything::seen(&bridge, &token, &ids).await;
        assert_eq!(all.len(), all_before.len());
        let differ = all.iter().zip(&all_before).filter(|(now, then)| now != then);
        let differ: Vec<String> = differ.map(|(now, then)| format!("{now:?}\nbefore: {then:?}")).collect();
        assert!(differ.is_empty(), "{}", differ.join("\n"));
        everything::audit_is_intact(&bridge, &token).await;
        assert_eq!(bridge.deliver(&result("call_3", "customer")).await.status(), StatusCode::OK, "again");
        assert_eq!(bridge.deliver(&result("later", "customer")).await.status(), StatusCode::OK);
        assert_eq!(bridge.call("later").await["session_id"], "later");
        assert_eq!(everything::summed(&bridge, &token).await, sum + 1, "what comes later is added to it");
        bridge.stop().await;
    }
}

/// Somebody wrote to the target while it was copied into, or had before.
#[tokio::test]
async fn sides_that_differ_are_told_and_the_target_is_not_made_usable() {
    let dir = tempfile::tempdir().unwrap();
    let (full, other) = (storage(&dir.path().join("full"), None), storage(&dir.path().join("other"), None));
    let bridge = start(&full).await;
    fill(&bridge).await;
    bridge.stop().await;
    let target = Deployment::open(&other).await.unwrap();
    Stores::open(target.engine.clone()).await.unwrap();
    let stray = json!({"tenant_id": "default", "created_at": "2026-01-01T00:00:00.000000Z", "bot_id": "b", "status": "started", "caller_id": ""});
    let stray = stray.as_object().unwrap().clone();
    target.engine.insert(&CALLS, "zz_stray".into(), stray).await.unwrap();
    target.close().await;
    drop(target);
    for _ in 0..2 {
        let copied = copy(dir.path(), &full, &other).await;
        let text = told(&copied);
        assert!(!copied.status.success() && text.contains("'calls' is not the same on both sides"), "{text}");
    }
}

/// A store that gives back another byte than it took.
struct Liar(Arc<dyn Objects>);

impl Objects for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written> {
        self.0.put(key, content, expected)
    }
    fn head(&self, key: Key) -> Answer<'_, Option<Head>> {
        self.0.head(key)
    }
    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>> {
        Box::pin(async move {
            let changed = |bytes: Bytes| Bytes::from(bytes.iter().map(|b| b ^ 1).collect::<Vec<_>>());
            let content = self.0.get(key, range).await?;
            Ok(content.map(|content| content.map_ok(changed).boxed()))
        })
    }
    fn delete(&self, key: Key) -> Answer<'_, bool> {
        self.0.delete(key)
    }
    fn check(&self) -> Answer<'_, ()> {
        self.0.check()
    }
    fn link(&self, key: Key, lifetime: Duration) -> Answer<'_, Option<String>> {
        self.0.link(key, lifetime)
    }
}

#[tokio::test]
async fn a_recording_that_comes_back_changed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (full, other) = (storage(&dir.path().join("full"), None), storage(&dir.path().join("other"), None));
    let bridge = start(&full).await;
    fill(&bridge).await;
    bridge.stop().await;
    let (from, to) = (Deployment::open(&full).await.unwrap(), Deployment::open(&other).await.unwrap());
    let to = Deployment { objects: Arc::new(Liar(to.objects.clone())), ..to };
    let copied = vox_bridge::copy::copy(&from, &to).await;
    assert!(matches!(copied, Err(CopyError::RecordingDiffers(_))), "{copied:?}");
}

#[tokio::test]
async fn a_copy_that_cannot_be_made_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (nowhere, target) =
        (storage(&dir.path().join("nowhere"), None), storage(&dir.path().join("to"), None));
    let none = copy(dir.path(), &nowhere, &target).await;
    assert!(told(&none).contains("there is no deployment in"), "{}", told(&none));
    assert!(!nowhere.data_dir.exists(), "looking made nothing");
    let same = copy(dir.path(), &target, &target).await;
    assert!(!same.status.success());
    std::fs::write(dir.path().join("bad.env"), "VOX_DATA_DIR\n").unwrap();
    let bad = dir.path().join("bad.env").display().to_string();
    let bad = program(&["copy", "--from", &bad, "--to", &bad], &[]).await;
    assert!(told(&bad).contains("line 1: a line is NAME=value"), "{}", told(&bad));
}

#[tokio::test]
async fn settings_are_checked_without_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let vars = [
        ("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN"),
        ("VOXCORE_SECRET", "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo"),
        ("VOX_DATA_DIR", data.as_str()),
    ];
    let sound = program(&["check-config"], &vars).await;
    assert!(sound.status.success() && told(&sound).contains("the settings are sound"), "{}", told(&sound));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "a check makes nothing");
    let with = |name, value| vars.iter().copied().chain([(name, value)]).collect::<Vec<_>>();
    let wrong = program(&["check-config"], &with("VOX_MONGODB_URI", "localhost:27017")).await;
    assert!(
        !wrong.status.success() && told(&wrong).contains("must start with mongodb://"),
        "{}",
        told(&wrong)
    );
    // Port 1 of this machine: nobody listens.
    let uri = "mongodb://user:s3cret@127.0.0.1:1/vox?directConnection=true";
    let locked = told(&program(&["check-config"], &with("VOX_MONGODB_URI", uri)).await);
    assert!(locked.contains("VOX_MASTER_KEY: is not set, and documents in MongoDB need one"), "{locked}");
    let bad = told(&program(&["check-config"], &with("VOX_MASTER_KEY", "c2hvcnQ=")).await);
    assert!(
        bad.contains("VOX_MASTER_KEY: key 1 is not 32 bytes in base64") && !bad.contains("c2hvcnQ"),
        "{bad}"
    );
    let with_key = with("VOX_MONGODB_URI", uri).into_iter().chain([("VOX_MASTER_KEY", MASTER_KEY)]);
    let gone = program(&["check-config"], &with_key.collect::<Vec<_>>()).await;
    let text = told(&gone);
    assert!(!gone.status.success() && text.contains("document store") && !text.contains("s3cret"), "{text}");
    let nobody = settings_of_nobody();
    let s3 = [
        ("VOX_S3_URL", nobody.url.as_str()),
        ("VOX_S3_ACCESS_KEY", "testkey"),
        ("VOX_S3_SECRET_KEY", "testsecret"),
    ];
    let away = program(&["check-config"], &vars.iter().copied().chain(s3).collect::<Vec<_>>()).await;
    assert!(!away.status.success() && told(&away).contains("recordings cannot be stored"), "{}", told(&away));
    let migrated = program(&["migrate"], &[("VOX_DATA_DIR", data.as_str())]).await;
    assert!(migrated.status.success() && told(&migrated).contains("up to date"), "{}", told(&migrated));
}
