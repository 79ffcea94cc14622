//! Results: one terminal record per call, whatever is delivered and in whatever order.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestBridge, json, refusal, result, wrong_fields};

async fn delivered(bridge: &TestBridge, result: &Value) -> String {
    json(bridge.deliver(result).await, StatusCode::OK).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_result_completes_its_skeleton_and_nulls_overwrite_nothing() {
    let bridge = TestBridge::start().await;
    bridge
        .fetch_config("faq", &[("session_id", "call_r"), ("caller_id", "+49151"), ("transport", "ws")])
        .await;
    let mut full = result("call_r", "customer");
    full["caller_id"] = Value::Null;
    full["transport"] = Value::Null;
    full["recording_url"] = json!("http://worker/recordings/call_r.wav?x=1");
    full["latency"] = json!({"wire_to_ear_p50_ms": 512.0});
    full["a_field_of_a_newer_worker"] = json!({"kept": true});
    assert_eq!(delivered(&bridge, &full).await, "stored");

    let call = bridge.call("call_r").await;
    assert_eq!((&call["status"], &call["disconnected_by"]), (&json!("completed"), &json!("customer")));
    assert_eq!((&call["caller_id"], &call["transport"]), (&json!("+49151"), &json!("ws")));
    assert_eq!(call["recording_key"], "call_r.wav");
    assert_eq!(call["completed_at"], "2026-11-20T10:00:00.000000Z");
    assert_eq!(call["transcript"][0]["text"], "Hello.");
    assert_eq!(call["latency"]["wire_to_ear_p50_ms"], 512.0);
    assert_eq!(call["a_field_of_a_newer_worker"]["kept"], true);
    assert_eq!(call["recording_access_token"].as_str().unwrap().len(), 32, "24 bytes, URL-safe");
}

#[tokio::test]
async fn redelivery_changes_nothing() {
    let bridge = TestBridge::start().await;
    assert_eq!(delivered(&bridge, &result("call_d", "bot")).await, "stored");
    let first = bridge.call("call_d").await;
    let mut other = result("call_d", "error");
    other["call_duration_seconds"] = json!(99.0);
    for again in [result("call_d", "bot"), other, result("call_d", "worker_lost")] {
        assert_eq!(delivered(&bridge, &again).await, "already_stored");
    }
    assert_eq!(bridge.call("call_d").await, first);
    let calls =
        json(bridge.tools(Method::GET, "/api/v1/internal/calls").send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(calls["items"].as_array().unwrap().len(), 1);
    let metrics = bridge.metrics().await;
    assert!(
        metrics.contains(r#"calls_total{tenant="default",direction="incoming",status="completed"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_lost_workers_record_gives_way_to_the_workers_own() {
    let bridge = TestBridge::start().await;
    assert_eq!(delivered(&bridge, &result("call_l", "worker_lost")).await, "stored");
    assert_eq!(bridge.call("call_l").await["status"], "failed");
    assert_eq!(delivered(&bridge, &result("call_l", "customer")).await, "stored");
    assert_eq!(bridge.call("call_l").await["disconnected_by"], "customer");
    assert_eq!(delivered(&bridge, &result("call_l", "worker_lost")).await, "already_stored");
    assert_eq!(bridge.call("call_l").await["disconnected_by"], "customer");
}

#[tokio::test]
async fn concurrent_deliveries_make_one_record() {
    let bridge = TestBridge::start().await;
    let words = ["bot", "customer", "worker_lost", "timeout", "error", "bot", "worker_lost", "customer"];
    let results: Vec<Value> = words.iter().map(|word| result("call_c", word)).collect();
    let outcomes = futures_util::future::join_all(results.iter().map(|r| bridge.deliver(r))).await;
    assert!(outcomes.iter().all(|o| o.status() == StatusCode::OK));
    let end = bridge.call("call_c").await["disconnected_by"].clone();
    assert_ne!(end, "worker_lost", "a real result was among them");
}

#[tokio::test]
async fn a_result_without_a_skeleton_finds_its_tenant_by_the_bot() {
    let bridge = TestBridge::start().await;
    let mut early = result("call_e", "bot");
    early["started_at"] = json!("2026-11-20T09:58:00Z");
    assert_eq!(delivered(&bridge, &early).await, "stored");
    assert_eq!(bridge.call("call_e").await["created_at"], "2026-11-20T09:58:00.000000Z");

    let mut unknown = result("call_u", "bot");
    unknown["bot_id"] = json!("nobody");
    assert_eq!(refusal(bridge.deliver(&unknown).await, StatusCode::NOT_FOUND).await, "unknown_call");
    unknown["bot_id"] = Value::Null;
    assert_eq!(refusal(bridge.deliver(&unknown).await, StatusCode::NOT_FOUND).await, "unknown_call");
}

#[tokio::test]
async fn a_malformed_result_is_told_where() {
    let bridge = TestBridge::start().await;
    let mut bad = result("call_b", "bot");
    bad["transcript"][0]["started_ms"] = json!("soon");
    assert_eq!(wrong_fields(bridge.deliver(&bad).await).await, ["transcript.0.started_ms"]);
    assert_eq!(wrong_fields(bridge.deliver(&result("../x", "bot")).await).await, ["session_id"]);
    assert_eq!(wrong_fields(bridge.deliver(&result("call_b", "aliens")).await).await, ["disconnected_by"]);
    let text = "word ".repeat(1_400_000);
    let mut large = result("call_big", "bot");
    large["transcript"][0]["text"] = json!(text);
    assert_eq!(bridge.deliver(&large).await.status(), StatusCode::OK, "7 MB is a long call, not an attack");
}
