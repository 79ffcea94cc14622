//! Keys are rotated while the bridge serves, and a rotation that broke off goes on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::config::{Config, Storage};
use vox_bridge::deployment::Deployment;
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::engine::{Engine, EngineError, Which};
use vox_bridge::store::{COLLECTIONS, Stores};
use vox_bridge::vault::master::{MasterKeys, MasterSource};
use vox_bridge::vault::rotation::{Rotating, Rotation, rotate};
use vox_bridge::vault::{DATA_KEYS, Sealed, Vault};
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::harness::{TestBridge, json};

const NEW_MASTER: &str = "YSBuZXcgbWFzdGVyIGtleSBmb3IgdGhlIHJvdGF0ZSE=";
const OLD_MASTER: &str = "dGVzdCBtYXN0ZXIga2V5IG9mIGV4YWN0bHkgMzIgYi4=";

fn settings(n: usize) -> BotSettings {
    let mut settings = BotSettings { name: format!("bot {n}"), ..BotSettings::default() };
    settings.llm.provider = "openai".into();
    settings.llm.api_key = ApiKey::new(format!("sk-0123456789-{n}"));
    settings
}

/// Which data keys the secrets of all bots are under, with how many.
async fn used(engine: &dyn Engine) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = engine.list_by_id(&BOTS, Which::All, after.take()).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.document.id.clone());
        for kept in page {
            let text = Value::Object(kept.document.body).to_string();
            let ids = text.split("sealed:1:").skip(1).map(|rest| rest.split(':').next().unwrap().to_owned());
            found.extend(ids);
        }
    }
    found.sort();
    found.dedup();
    found
}

async fn rotated(bridge: &TestBridge, stop: &CancellationToken) -> Result<Option<Rotation>, EngineError> {
    let (vault, clock) = (&*bridge.app.vault, &bridge.clock);
    rotate(&Rotating { vault, collections: COLLECTIONS, clock, settled: Duration::ZERO, stop }).await
}

#[tokio::test]
async fn a_thousand_bots_are_rotated_and_no_config_fails_meanwhile() {
    let bridge = TestBridge::start().await;
    let tenant = bridge.tenant();
    let mut bots = Vec::new();
    for first in (0..1_000).step_by(50) {
        bots.extend(join_all((first..first + 50).map(|n| bridge.insert_bot(&tenant, settings(n)))).await);
    }
    let token = bridge.token(Role::SuperAdmin).await;
    let path = "/api/v1/settings/keys/rotation";
    assert_eq!(bridge.get(path).bearer_auth(&token).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let begun = bridge.request(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(json(begun, StatusCode::ACCEPTED).await["status"], "running");
    let again = bridge.request(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(json(again, StatusCode::ACCEPTED).await["number"], 1, "one at a time");

    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let rotating = async {
        let done = rotated(&bridge, &stop).await;
        ended.cancel();
        done
    };
    let fetching = async {
        let mut fetched = 0;
        while !ended.is_cancelled() || fetched == 0 {
            let some = (0..20).map(|n| (fetched + n) * 37 % bots.len());
            let answers = join_all(some.map(|n| {
                let (bridge, bot) = (&bridge, &bots[n]);
                async move { (n, bridge.fetch_config(bot.as_str(), &[]).await) }
            }));
            for (n, answer) in answers.await {
                let config = json(answer, StatusCode::OK).await;
                assert_eq!(config["llm"]["api_key"], format!("sk-0123456789-{n}"));
                fetched += 1;
            }
        }
        fetched
    };
    let (done, fetched) = futures_util::join!(rotating, fetching);
    assert!(done.unwrap().is_some());
    let told = json(bridge.get(path).bearer_auth(&token).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(
        (&told["status"], &told["sealed_anew"], &told["unopened"]),
        (&json!("done"), &json!(1_000), &json!(0)),
        "{told}"
    );
    assert_eq!(used(&*bridge.engine).await, ["default~2"]);
    println!("{fetched} configs were fetched while 1000 bots were rotated");
    let next = bridge.request(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(json(next, StatusCode::ACCEPTED).await["number"], 2);
    bridge.stop().await;
}

#[tokio::test]
async fn a_rotation_that_broke_off_goes_on_with_the_same_keys() {
    let bridge = TestBridge::start().await;
    for n in 0..30 {
        bridge.insert_bot(&bridge.tenant(), settings(n)).await;
    }
    let running = bridge.app.vault.begin_rotation(bridge.now()).await.unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    let left = rotated(&bridge, &stopped).await.unwrap().unwrap();
    assert_eq!((left.number, left.new_keys, left.sealed_anew), (running.number, 2, 0));
    assert!(!left.is_left(bridge.now()));
    bridge.clock.advance(jiff::SignedDuration::from_secs(61));
    assert!(left.is_left(bridge.now()), "another bridge takes it over");
    let done = rotated(&bridge, &CancellationToken::new()).await.unwrap().unwrap();
    assert_eq!((done.new_keys, done.sealed_anew), (2, 30), "no second generation");
    assert_eq!(used(&*bridge.engine).await, ["default~2"]);
    assert_eq!(rotated(&bridge, &stopped).await.unwrap(), Some(done), "what is done stays");
    bridge.stop().await;
}

/// The damaged key was taken for the end of the row, and the next one's place for free: no rotation ever ended.
#[tokio::test]
async fn a_damaged_data_key_keeps_nothing_from_being_rotated_but_what_is_under_it() {
    let bridge = TestBridge::start().await;
    let lost = bridge.insert_bot(&bridge.tenant(), settings(0)).await;
    bridge.damage(&DATA_KEYS, "default~1", "wrapped", json!("bm90aGluZw")).await;
    // Another bridge: this one has the key in memory.
    let master = MasterSource::Given(bridge.app.config.storage.master_keys.clone().unwrap());
    let vault = Arc::new(Vault::new(bridge.engine.clone(), master));
    let stores = Stores::open(Arc::new(Sealed::new(bridge.engine.clone(), vault.clone()))).await.unwrap();
    let bot = vox_bridge::store::bots::Bot::new(bridge.tenant(), settings(1), bridge.now().into());
    let kept = "bot_kept".parse().unwrap();
    stores.bots(&bridge.tenant()).insert_bot(&kept, &bot).await.unwrap();
    assert_eq!(used(&*bridge.engine).await, ["default~1", "default~2"], "the next key is made behind it");
    vault.begin_rotation(bridge.now()).await.unwrap();
    let (stop, clock) = (CancellationToken::new(), &bridge.clock);
    let rotating =
        Rotating { vault: &vault, collections: COLLECTIONS, clock, settled: Duration::ZERO, stop: &stop };
    let done = rotate(&rotating).await.unwrap().unwrap();
    assert_eq!((done.sealed_anew, done.unopened), (1, 1), "{done:?}");
    assert_eq!(used(&*bridge.engine).await, ["default~1", "default~3"]);
    assert_eq!(stores.bots(&bridge.tenant()).get_bot(&kept).await.unwrap().value.settings.name, "bot 1");
    assert!(stores.bots(&bridge.tenant()).get_bot(&lost).await.is_err(), "it stays damaged");
    bridge.stop().await;
}

#[tokio::test]
async fn a_new_master_key_wraps_everything_and_the_old_one_is_not_needed_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let with = |keys: &str| Storage {
        master_keys: Some(MasterKeys::parse(keys).unwrap()),
        ..Config::for_tests(dir.path().to_owned()).storage
    };
    let deployment = Deployment::open(&with(OLD_MASTER)).await.unwrap();
    Stores::open(deployment.documents()).await.unwrap();
    drop(deployment);
    let program = |keys: String| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vox-bridge"));
        command.arg("rotate-keys").env_clear().env("VOX_DATA_DIR", dir.path()).env("VOX_MASTER_KEY", keys);
        async move { command.output().await.unwrap() }
    };
    let refused = program(NEW_MASTER.to_owned()).await;
    assert!(!refused.status.success(), "the old one is needed until then");
    let done = program(format!("{NEW_MASTER},{OLD_MASTER}")).await;
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(told.contains("rotation 1: 1 data keys made, 1 wrapped by the first master key"), "{told}");
    let deployment = Deployment::open(&with(NEW_MASTER)).await.unwrap();
    Stores::open(deployment.documents()).await.unwrap();
    let keys = deployment.engine.list_by_id(&DATA_KEYS, Which::All, None).await.unwrap();
    assert_eq!(keys.iter().map(|kept| kept.document.id.as_str()).collect::<Vec<_>>(), ["~1", "~2"]);
}
