//! Secrets are sealed wherever a store keeps them, open where they belong, and nowhere else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::app::{App, Parts};
use vox_bridge::auth::role::Role;
use vox_bridge::config::{Config, Storage};
use vox_bridge::copy::{CopyError, copy, digest};
use vox_bridge::deployment::{Deployment, OpenError};
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::engine::{Document, Engine, Kept, Which};
use vox_bridge::store::{COLLECTIONS, Stores};
use vox_bridge::vault::master::{MasterKeys, MasterSource};
use vox_bridge::vault::{DATA_KEYS, Sealed, Vault};
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use crate::harness::mongodb::MongoDb;
use crate::harness::{NOW, TestBridge, client, json, servers};

/// Searched for in everything that is kept.
const CANARIES: [&str; 5] = [
    "sk-canary-0123456789abcdef",
    "fb-canary-0123456789abcdef",
    "el-canary-0123456789abcdef",
    "lt-canary-0123456789abcdef",
    "Bearer canary-0123456789abcdef",
];
const OTHER_KEY: &str = "YW5vdGhlciBtYXN0ZXIga2V5LCBub3QgdGhlIGZpcnM=";

fn settings() -> Value {
    json!({
        "name": "Sealed", "system_prompt": "p", "opening_message": "o",
        "llm": {"provider": "openai", "model": "gpt-5-mini", "api_key": CANARIES[0],
            "fallbacks": [{"provider": "openai", "model": "gpt-5-nano", "api_key": CANARIES[1]}]},
        "tts": {"provider": "elevenlabs", "voice": "v", "api_key": CANARIES[2]},
        "line_access": {"token": CANARIES[3]},
        "tools": [{"name": "find", "description": "Finds.", "http": {"url": "https://a.test/", "headers": [
            {"name": "Authorization", "secret": CANARIES[4]}]}}]
    })
}

/// Everything that the engine keeps, as text.
async fn kept(engine: &dyn Engine) -> String {
    let mut text = String::new();
    for collection in COLLECTIONS {
        let mut after = None;
        loop {
            let page = engine.list_by_id(collection, Which::All, after.take()).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.document.id.clone());
            text.extend(
                page.iter().map(|kept| {
                    format!("{} {}\n", kept.document.id, Value::Object(kept.document.body.clone()))
                }),
            );
        }
    }
    text
}

/// What of the canaries is in the files of a directory, the log of the document file among them.
fn in_files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(in_files(&entry.path()));
            continue;
        }
        // A store that is being closed takes its log away.
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        let has = |canary: &&str| bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
        found.extend(
            CANARIES.iter().filter(|c| has(c)).map(|canary| format!("{canary} in {:?}", entry.path())),
        );
    }
    found
}

async fn made(bridge: &TestBridge, token: &str) -> String {
    let made = bridge
        .request(Method::POST, "/api/v1/bots")
        .bearer_auth(token)
        .json(&settings())
        .send()
        .await
        .unwrap();
    json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_vendor_key_is_in_no_store_and_reaches_the_worker() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    let bot = made(&bridge, &token).await;
    let path = format!("/api/v1/bots/{bot}");
    let patch = json!({"opening_message": "Hello", "llm": {"fallbacks": []}});
    let patched = bridge.request(Method::PATCH, &path).bearer_auth(&token).json(&patch).send().await.unwrap();
    let patched = json(patched, StatusCode::OK).await;
    assert_eq!(patched["llm"]["api_key"], "sk-c…cdef");

    let config = json(bridge.fetch_config(&bot, &[("line_token", CANARIES[3])]).await, StatusCode::OK).await;
    assert_eq!(
        (&config["llm"]["api_key"], &config["tts"]["api_key"]),
        (&json!(CANARIES[0]), &json!(CANARIES[2]))
    );
    assert_eq!(config["tools"][0]["http"]["headers"][0]["secret"], CANARIES[4]);
    let doctor = bridge.token(Role::SuperAdmin).await;
    let uses =
        json(bridge.get("/api/v1/vendor-keys").bearer_auth(&doctor).send().await.unwrap(), StatusCode::OK)
            .await;
    assert!(uses.to_string().contains(CANARIES[0]), "{uses}");

    let kept = kept(&*bridge.engine).await;
    assert!(kept.contains("sealed:1:default~1:"), "{kept}");
    assert!(CANARIES.iter().all(|canary| !kept.contains(canary)), "{kept}");
    assert_eq!(in_files(&bridge.app.config.storage.data_dir), Vec::<String>::new());
    bridge.stop().await;
}

/// A store in which an older version left keys in clear, among them those of bots that were changed and deleted since.
async fn old_store(engine: &dyn Engine) {
    engine.prepare(COLLECTIONS).await.unwrap();
    for n in 0..40 {
        let mut settings = settings();
        settings["system_prompt"] = json!("p".repeat(3_000));
        let body =
            json!({"tenant_id": "default", "created_at": NOW, "updated_at": NOW, "settings": settings});
        let document =
            Document { id: format!("bot_{n}"), version: 1, body: body.as_object().unwrap().clone() };
        engine.restore(&BOTS, vec![Kept { document, schema: 1 }]).await.unwrap();
        if n % 2 == 0 {
            assert!(engine.delete(&BOTS, format!("bot_{n}"), 1).await.unwrap());
        }
    }
}

async fn build(storage: &Storage) -> Result<App, String> {
    drop(client());
    let config = Config { storage: storage.clone(), ..Config::for_tests(storage.data_dir.clone()) };
    let deployment = Deployment::open(storage).await.map_err(|e| format!("{:?}", anyhow::Error::from(e)))?;
    let parts = Parts {
        deployment,
        clock: Clock::manual(NOW.parse().unwrap()),
        bound: "127.0.0.1:1".parse().unwrap(),
    };
    App::build(config, parts).await.map_err(|e| format!("{:?}", anyhow::Error::from(e)))
}

/// The storage of a test, in MongoDB if that is what is tested.
fn storage(dir: &Path, server: Option<&MongoDb>) -> Storage {
    let storage = Config::for_tests(dir.to_owned()).storage;
    Storage { mongodb_uri: server.map(|server| server.uri().into()), ..storage }
}

#[tokio::test]
async fn keys_that_an_older_version_kept_in_clear_are_sealed_and_nothing_is_left_of_them() {
    let (dir, server) = (tempfile::tempdir().unwrap(), servers::documents());
    let storage = storage(dir.path(), server.as_ref());
    let deployment = Deployment::open(&storage).await.unwrap();
    old_store(&*deployment.engine).await;
    assert!(kept(&*deployment.engine).await.contains(CANARIES[0]));
    drop(deployment);
    assert!(server.is_some() || !in_files(dir.path()).is_empty(), "they were on the disk");

    let app = build(&storage).await.unwrap();
    assert_eq!(in_files(dir.path()), Vec::<String>::new());
    let bots = app.stores.bots(&"default".parse::<TenantId>().unwrap());
    let bot = bots.get_bot(&"bot_1".parse().unwrap()).await.unwrap().value;
    assert_eq!(bot.settings.llm.fallbacks[0].api_key.expose(), CANARIES[1]);
    drop(app);
    let deployment = Deployment::open(&storage).await.unwrap();
    let kept = kept(&*deployment.engine).await;
    assert!(CANARIES.iter().all(|canary| !kept.contains(canary)), "{kept}");
    assert!(!kept.contains("in_clear"), "it was cleaned up");
}

#[tokio::test]
async fn a_start_that_was_killed_before_the_clean_up_cleans_up_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(dir.path(), None);
    let deployment = Deployment::open(&storage).await.unwrap();
    old_store(&*deployment.engine).await;
    // As a start that is killed after the last document leaves it.
    let documents = deployment.documents();
    documents.prepare(COLLECTIONS).await.unwrap();
    for kept in documents.list_by_id(&BOTS, Which::Outdated, None).await.unwrap() {
        documents.compare_and_set(&BOTS, kept.document).await.unwrap();
    }
    drop((documents, deployment));
    assert!(!in_files(dir.path()).is_empty(), "free pages and the log have them still");
    drop(build(&storage).await.unwrap());
    assert_eq!(in_files(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_sealed_key_opens_in_no_other_record_field_or_tenant() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    let tenant = bridge.insert_tenant("thief").await;
    let thief = bridge.token_of(&tenant, Role::Admin).await;
    let (victim, other, stolen) =
        (made(&bridge, &token).await, made(&bridge, &token).await, made(&bridge, &thief).await);
    let body = |id: String| bridge_body(&bridge, id);
    let key = body(victim.clone()).await["settings"]["llm"]["api_key"].clone();
    for (target, pointer) in [
        (&other, "/settings/llm/api_key"),
        (&victim, "/settings/tts/api_key"),
        (&stolen, "/settings/llm/api_key"),
    ] {
        let before = body(target.clone()).await;
        let mut changed = before.clone();
        *changed.pointer_mut(pointer).unwrap() = key.clone();
        put_back(&bridge, target, changed).await;
        let who = if target == &stolen { &thief } else { &token };
        let read = bridge.get(&format!("/api/v1/bots/{target}")).bearer_auth(who).send().await.unwrap();
        assert_eq!(read.status(), StatusCode::INTERNAL_SERVER_ERROR, "{pointer} of {target}");
        let config = bridge.fetch_config(target, &[("line_token", CANARIES[3])]).await;
        assert_eq!(config.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!config.text().await.unwrap().contains("canary"));
        let list = bridge.get("/api/v1/bots").bearer_auth(who).send().await.unwrap();
        let list = json(list, StatusCode::OK).await;
        assert!(
            list["items"].as_array().unwrap().iter().all(|bot| bot["id"] != json!(target)),
            "left out of lists"
        );
        put_back(&bridge, target, before).await;
        assert_eq!(
            bridge.fetch_config(target, &[("line_token", CANARIES[3])]).await.status(),
            StatusCode::OK
        );
    }
    bridge.stop().await;
}

async fn bridge_body(bridge: &TestBridge, id: String) -> Value {
    Value::Object(bridge.engine.get(&BOTS, id).await.unwrap().unwrap().body)
}

/// Behind the bridge's back.
async fn put_back(bridge: &TestBridge, id: &str, body: Value) {
    let Value::Object(body) = body else { panic!("a body is an object") };
    let document = Document { id: id.to_owned(), version: 1, body };
    bridge.engine.restore(&BOTS, vec![Kept { document, schema: BOTS.schema() }]).await.unwrap();
}

#[tokio::test]
async fn a_wrong_master_key_refuses_the_start_and_changes_nothing() {
    let (dir, server) = (tempfile::tempdir().unwrap(), servers::documents());
    let right = storage(dir.path(), server.as_ref());
    let deployment = Deployment::open(&right).await.unwrap();
    Stores::open(deployment.documents()).await.unwrap();
    // Something to bring up to date, which a start that is refused leaves alone.
    old_store(&*deployment.engine).await;
    let before = digest(&*deployment.engine, &BOTS).await.unwrap();
    drop(deployment);
    let wrong = Storage { master_keys: Some(MasterKeys::parse(OTHER_KEY).unwrap()), ..right.clone() };
    let refused = build(&wrong).await.err().expect("it is another key");
    assert!(refused.contains("is under the master key") && refused.contains("docs/secrets.md"), "{refused}");
    let deployment = Deployment::open(&right).await.unwrap();
    assert_eq!(digest(&*deployment.engine, &BOTS).await.unwrap(), before);
    drop(deployment);
    let both = format!("{OTHER_KEY},{}", "dGVzdCBtYXN0ZXIga2V5IG9mIGV4YWN0bHkgMzIgYi4=");
    let both = Storage { master_keys: Some(MasterKeys::parse(&both).unwrap()), ..right };
    build(&both).await.unwrap();
}

#[tokio::test]
async fn the_embedded_default_makes_its_own_master_key_once_and_does_not_start_without_it_later() {
    let dir = tempfile::tempdir().unwrap();
    let own = Storage { master_keys: None, ..storage(dir.path(), None) };
    drop(build(&own).await.unwrap());
    let file = dir.path().join("master.key");
    let key = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(build(&own).await.unwrap());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    std::fs::remove_file(&file).unwrap();
    let refused = build(&own).await.err().expect("its key is lost");
    assert!(refused.contains("is missing") && refused.contains("backup"), "{refused}");
    assert!(!file.exists(), "no other key is made over secrets that it would not open");
    std::fs::write(&file, "damaged").unwrap();
    let refused = build(&own).await.err().expect("its key is damaged");
    assert!(refused.contains("put the file back") && !refused.contains("damaged\n"), "{refused}");
    std::fs::write(&file, key).unwrap();
    drop(build(&own).await.unwrap());
}

#[tokio::test]
async fn mongodb_is_refused_without_a_master_key_and_nothing_is_asked_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let uri = "mongodb://127.0.0.1:1/vox".into();
    let none = Storage { master_keys: None, mongodb_uri: Some(uri), ..storage(dir.path(), None) };
    let refused = Deployment::open(&none).await.err().unwrap();
    assert!(matches!(refused, OpenError::NoMasterKey), "{refused}");
    assert!(refused.to_string().contains("openssl rand -base64 32"));
}

#[tokio::test]
async fn a_copy_needs_the_master_key_of_its_source() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source =
        Deployment::open(&Storage { master_keys: None, ..storage(from.path(), None) }).await.unwrap();
    let target = Storage { master_keys: None, ..storage(to.path(), None) };
    for target in
        [&target, &Storage { master_keys: Some(MasterKeys::parse(OTHER_KEY).unwrap()), ..target.clone() }]
    {
        let target = Deployment::open(target).await.unwrap();
        let refused = copy(&source, &target).await.unwrap_err();
        assert!(matches!(refused, CopyError::MasterKey(_)), "{refused:?}");
        assert!(!to.path().join("master.key").exists(), "the target got no key of its own");
    }
    std::fs::copy(from.path().join("master.key"), to.path().join("master.key")).unwrap();
    let target = Deployment::open(&target).await.unwrap();
    let copied = copy(&source, &target).await.unwrap();
    assert!(copied.collections.iter().any(|(name, found)| *name == "data_keys" && found.documents == 1));
}

#[tokio::test]
async fn damage_to_a_data_key_costs_what_is_under_it_and_no_start() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    made(&bridge, &token).await;
    let wrapped =
        bridge.engine.get(&DATA_KEYS, "default~1".into()).await.unwrap().unwrap().body["wrapped"].clone();
    // Under the id of another key, as somebody would who may write to the store and wants it opened as another tenant's.
    bridge.damage(&DATA_KEYS, "~1", "wrapped", wrapped).await;
    let keys = bridge.app.config.storage.master_keys.clone().unwrap();
    // As another bridge over the same store, which has no key in memory yet.
    let vault = Arc::new(Vault::new(bridge.engine.clone(), MasterSource::Given(keys)));
    let documents = Sealed::new(bridge.engine.clone(), vault.clone());
    let refused = Stores::open(Arc::new(documents)).await.map(drop);
    assert!(refused.is_ok(), "{refused:?}");
    bridge.stop().await;
}
