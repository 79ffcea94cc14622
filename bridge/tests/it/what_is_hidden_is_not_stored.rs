//! A worker that hides nothing, of an older version, tells of a call whose bot hides much: the bridge hides it, in everything that
//! it stores and sends on.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::store::COLLECTIONS;
use vox_bridge::store::engine::{Engine, Which};
use vox_testkit::crm::ScriptedCrm;

use crate::harness::{TestBridge, json, result, wrong_fields};

const KEY: &str = "a-key-of-the-crm";
const CANARIES: [&str; 5] = ["54252334", "5425 2334", "five four two five", "48291375", "चार आठ दो"];

fn line(turn: u32, speaker: &str, text: &str) -> Value {
    let words = json!([{"text": text, "started_ms": 0, "ended_ms": 900}]);
    json!({"turn": turn, "speaker": speaker, "text": text, "started_ms": turn * 1000, "ended_ms": turn * 1000 + 900,
        "words": words})
}

fn transcript() -> Value {
    json!([
        line(1, "bot", "Your card number, please?"),
        line(2, "caller", "five four two five"),
        line(3, "caller", "5425 2334 3010 9903"),
        line(4, "bot", "I heard 54252334."),
        line(5, "caller", "मेरा ओटीपी है चार आठ दो नौ एक तीन सात पांच"),
        line(6, "caller", "and I owe 1250 rupees"),
    ])
}

fn has_canary(text: &[u8]) -> bool {
    CANARIES.iter().any(|canary| text.windows(canary.len()).any(|window| window == canary.as_bytes()))
}

/// Everything that the engine keeps.
async fn kept(engine: &dyn Engine) -> String {
    let mut text = String::new();
    for collection in COLLECTIONS {
        let page = engine.list_by_id(collection, Which::All, None).await.unwrap();
        text.extend(page.iter().map(|kept| Value::Object(kept.document.body.clone()).to_string()));
    }
    text
}

/// Files of a directory, by name, that have one.
fn files_with_canary(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries
        .flat_map(|entry| match entry.path().is_dir() {
            true => files_with_canary(&entry.path()),
            false => {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                has_canary(&bytes).then(|| entry.path().display().to_string()).into_iter().collect()
            }
        })
        .collect()
}

struct Stage {
    bridge: TestBridge,
    token: String,
    bot: String,
}

impl Stage {
    async fn start(redaction: Value) -> Self {
        let bridge = TestBridge::start().await;
        let token = bridge.token(Role::Admin).await;
        let settings = json!({"name": "Hides", "redaction": redaction});
        let request = bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&token).json(&settings);
        let made = json(request.send().await.unwrap(), StatusCode::CREATED).await;
        let bot = made["id"].as_str().unwrap().to_owned();
        Self { bridge, token, bot }
    }

    async fn read(&self, path: &str) -> Value {
        json(self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await
    }
}

#[tokio::test]
async fn whatever_a_worker_tells() {
    let stage = Stage::start(json!({"kinds": ["card", "otp"]})).await;
    let (bridge, bot) = (&stage.bridge, stage.bot.as_str());
    let crm = ScriptedCrm::start(KEY, json!({})).await.unwrap();
    let headers = json!([{"name": "Authorization", "value": format!("Bearer {KEY}")}]);
    let push = json!({"push": {"url": crm.url("/results"), "headers": headers, "body": {"said": "{{result.transcript}}"}}});
    let request = bridge.request(Method::PUT, &format!("/api/v1/bots/{bot}/crm")).bearer_auth(&stage.token);
    json(request.json(&push).send().await.unwrap(), StatusCode::OK).await;
    let config = json(bridge.fetch_config(bot, &[("session_id", "call_1")]).await, StatusCode::OK).await;
    assert_eq!(config["redaction"]["kinds"], json!(["card", "otp"]));
    assert_eq!(config["redaction"]["sinks"].as_array().unwrap().len(), 8, "all of them");

    let said = |seq: u64, text: &str| {
        json!({"seq": seq, "timestamp": "2026-11-20T10:00:00Z", "event": "transcript.turn",
        "data": {"speaker": "caller", "text": text, "turn": seq}})
    };
    let events = json!([said(1, "my card number is 5425 2334 3010 9903"), said(2, "the otp is 48291375")]);
    let report = json!({"version": 1, "worker_id": "w1", "dropped": 0, "events": events});
    let path = "/api/v1/internal/calls/call_1/events";
    json(bridge.internal(Method::POST, path).json(&report).send().await.unwrap(), StatusCode::OK).await;

    let mut ended = result("call_1", "customer");
    ended["transcript"] = transcript();
    ended["events"] =
        json!([{"at_ms": 1, "event": "model_failed", "why": "openai: bad text '5425 2334 3010 9903'"}]);
    ended["error"] = json!("the otp 48291375 was refused");
    assert!(bridge.deliver(&ended).await.status().is_success());
    bridge.app.relay.move_all().await.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(bridge.app.runner.clone().run(stop.clone()));
    let told = crate::s3_server::eventually(std::time::Duration::from_secs(20), || async {
        !crm.asked().is_empty()
    })
    .await;
    assert!(told, "the CRM is told");
    stop.cancel();

    let pushed = crm.asked().remove(0).body.to_string();
    assert!(
        pushed.contains("[card]") && pushed.contains("1250") && !has_canary(pushed.as_bytes()),
        "{pushed}"
    );
    let call = stage.read("/api/v1/calls/call_1").await.to_string();
    assert!(
        call.contains("I heard [card].") && call.contains("[otp]") && call.contains("1250 rupees"),
        "{call}"
    );
    assert!(!has_canary(call.as_bytes()), "{call}");
    let kept = kept(&*bridge.engine).await;
    assert!(kept.contains("the otp [otp] was refused") && !has_canary(kept.as_bytes()), "{kept}");
    assert_eq!(files_with_canary(&bridge.app.config.storage.data_dir), Vec::<String>::new());
    stage.bridge.stop().await;
}

/// Who follows a running call sees marks.
#[tokio::test]
async fn nor_is_it_told_while_the_call_runs() {
    let stage = Stage::start(json!({"kinds": ["otp"], "sinks": ["live"]})).await;
    let bridge = &stage.bridge;
    json(bridge.fetch_config(&stage.bot, &[("session_id", "call_1")]).await, StatusCode::OK).await;
    let mut stream =
        bridge.get("/api/v1/calls/call_1/events").bearer_auth(&stage.token).send().await.unwrap();
    let event = json!({"seq": 1, "timestamp": "2026-11-20T10:00:00Z", "event": "transcript.turn",
        "data": {"speaker": "caller", "text": "the otp is 48291375", "turn": 1}});
    let report = json!({"version": 1, "worker_id": "w1", "dropped": 0, "events": [event]});
    let path = "/api/v1/internal/calls/call_1/events";
    json(bridge.internal(Method::POST, path).json(&report).send().await.unwrap(), StatusCode::OK).await;
    // The record is no sink here.
    let mut ended = result("call_1", "customer");
    ended["transcript"] = json!([line(1, "caller", "the otp is 48291375")]);
    assert!(bridge.deliver(&ended).await.status().is_success());
    let mut seen = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
    assert!(seen.contains("the otp is [otp]") && !has_canary(seen.as_bytes()), "{seen}");
    assert!(stage.read("/api/v1/calls/call_1").await.to_string().contains("48291375"));
    drop(stream);
    stage.bridge.stop().await;
}

#[tokio::test]
async fn a_kind_or_a_sink_that_there_is_not_is_named() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    for (redaction, field) in [
        (json!({"kinds": ["shoe_size"]}), "redaction.kinds.0"),
        (json!({"kinds": ["card"], "sinks": ["attic"]}), "redaction.sinks.0"),
        (json!({"kinds": ["card"], "sinks": []}), "redaction.sinks"),
        (json!({"kind": ["card"]}), "redaction.kind"),
    ] {
        let settings = json!({"name": "Hides", "redaction": redaction});
        let request = bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&token).json(&settings);
        let answer = request.send().await.unwrap();
        assert_eq!(wrong_fields(answer).await, [field], "{redaction}");
    }
    bridge.stop().await;
}
