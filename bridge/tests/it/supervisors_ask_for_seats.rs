//! Who may sit in a running call, and how the bridge answers where nobody can. What a seat is good for is a worker's to show
//! (`core/tests/it/supervisors_sit_in_calls.rs`).

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_shared::model::bot::BotSettings;

use crate::harness::livekit::settings;
use crate::harness::{TestBridge, json, refusal, wrong_fields};

const PATH: &str = "/api/v1/calls/call_1/supervision";

/// A bridge with a call that runs on worker `w1`, and a server that is not asked.
async fn stage(has_livekit: bool) -> TestBridge {
    let bridge = TestBridge::start_with(|config| {
        let keys = ("vox", "0123456789abcdef0123456789abcdef");
        config.livekit = has_livekit.then(|| settings("ws://127.0.0.1:1", keys));
    })
    .await;
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await.to_string();
    let query = [("session_id", "call_1"), ("caller_id", "+15550001"), ("worker_id", "w1")];
    assert_eq!(bridge.fetch_config(&bot, &query).await.status(), StatusCode::OK);
    bridge
}

async fn ask(bridge: &TestBridge, token: &str, body: Value) -> Response {
    bridge.send(Method::PUT, PATH, token, body).await
}

#[tokio::test]
async fn supervisors_may_and_agents_others_tenants_and_keys_for_other_things_may_not() {
    let bridge = stage(true).await;
    let listen = || json!({"part": "listen"});
    let agent = bridge.token(Role::Agent).await;
    let steers = bridge.key(&[Scope::CallsControl, Scope::CallsRead]).await.token;
    for (token, code) in [(&agent, "forbidden"), (&steers, "scope_missing")] {
        assert_eq!(refusal(ask(&bridge, token, listen()).await, StatusCode::FORBIDDEN).await, code);
        let leaves = bridge.send(Method::DELETE, PATH, token, json!({})).await;
        assert_eq!(refusal(leaves, StatusCode::FORBIDDEN).await, code);
    }
    let other = bridge.insert_tenant("other").await;
    let strangers = [
        bridge.token_of(&other, Role::Admin).await,
        bridge.insert_key(&other, &[Scope::CallsSupervise], |_| {}).await.token,
    ];
    for token in &strangers {
        assert_eq!(refusal(ask(&bridge, token, listen()).await, StatusCode::NOT_FOUND).await, "not_found");
    }
    let supervisor = bridge.token(Role::Supervisor).await;
    let key = bridge.key(&[Scope::CallsSupervise]).await.token;
    for token in [&supervisor, &key] {
        let nobody = ask(&bridge, token, listen()).await;
        assert_eq!(refusal(nobody, StatusCode::CONFLICT).await, "no_worker", "so far they are let in");
    }
    bridge.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_done() {
    let bridge = stage(true).await;
    let token = bridge.token(Role::Supervisor).await;
    for (body, field) in [
        (json!({}), "part"),
        (json!({"part": "shout"}), "part"),
        (json!({"part": "listen", "bot_goes_on": true}), "bot_goes_on"),
        (json!({"part": "listen", "ear": "bot"}), "ear"),
    ] {
        assert_eq!(wrong_fields(ask(&bridge, &token, body).await).await, [field]);
    }
    // A worker of before, or one without a server.
    let report = json!({
        "version": 1, "worker_id": "w1", "host": "h", "address": "http://127.0.0.1:1", "slots": 1, "calls": 1, "build": "t",
        "draining": false, "pid": 7, "takes_orders": true
    });
    let registered =
        bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await.unwrap();
    assert_eq!(registered.status(), StatusCode::OK);
    let old = ask(&bridge, &token, json!({"part": "barge", "bot_goes_on": true})).await;
    assert_eq!(refusal(old, StatusCode::CONFLICT).await, "supervision_not_supported");
    let metrics = bridge.metrics().await;
    assert!(metrics.contains(r#"supervisions_total{part="barge",outcome="refused"} 1"#), "{metrics}");
    bridge.stop().await;

    let bridge = stage(false).await;
    let token = bridge.token(Role::Supervisor).await;
    let away = ask(&bridge, &token, json!({"part": "listen"})).await;
    assert_eq!(refusal(away, StatusCode::SERVICE_UNAVAILABLE).await, "livekit_not_configured");
    bridge.stop().await;
}

#[tokio::test]
async fn a_seat_that_is_asked_for_is_in_the_audit_log() {
    let bridge = stage(true).await;
    let token = bridge.token(Role::Supervisor).await;
    ask(&bridge, &token, json!({"part": "listen"})).await;
    let admin = bridge.token(Role::Admin).await;
    let page =
        json(bridge.get("/api/v1/audit").bearer_auth(&admin).send().await.unwrap(), StatusCode::OK).await;
    let entries = page["items"].as_array().unwrap();
    let is_it = |entry: &&Value| entry.to_string().contains("/supervision");
    assert!(entries.iter().any(|entry| is_it(&entry)), "{entries:?}");
    bridge.stop().await;
}
