//! Slots are kept for calls about to be placed: picked, given back, confirmed and forgotten.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

/// A worker of one slot.
fn report(id: &str, host: &str, call: Option<&str>) -> Value {
    json!({
        "worker_id": id, "host": host, "address": "http://127.0.0.1:9", "slots": 1,
        "calls": u32::from(call.is_some()), "session_id": call, "build": "0.1.0", "draining": false, "pid": 7
    })
}

async fn register(bridge: &TestBridge, report: &Value) {
    let sent = bridge.internal(Method::POST, "/api/v1/fleet/workers").json(report).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
}

async fn ask(bridge: &TestBridge) -> Response {
    bridge.internal(Method::POST, "/api/v1/fleet/reservations").json(&json!({})).send().await.unwrap()
}

async fn reserve(bridge: &TestBridge) -> Value {
    json(ask(bridge).await, StatusCode::CREATED).await
}

async fn none_is_free(bridge: &TestBridge) {
    let body = json(ask(bridge).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(body["detail"], "No healthy fleet server available");
    assert_eq!(body["error"]["code"], "no_fleet");
}

async fn release(bridge: &TestBridge, id: &str) -> StatusCode {
    let path = format!("/api/v1/fleet/reservations/{id}");
    bridge.internal(Method::DELETE, &path).send().await.unwrap().status()
}

async fn read(bridge: &TestBridge, path: &str) -> Value {
    let token = bridge.token(Role::Admin).await;
    json(bridge.get(path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

async fn history(bridge: &TestBridge, reserved: &Value) -> Value {
    let id = reserved["reservation_id"].as_str().unwrap();
    read(bridge, &format!("/api/v1/fleet/reservations/{id}")).await
}

#[tokio::test]
async fn a_slot_is_kept_until_it_is_given_back_and_only_once() {
    let bridge = TestBridge::start().await;
    none_is_free(&bridge).await;
    register(&bridge, &report("w1", "h1", None)).await;
    let first = reserve(&bridge).await;
    assert_eq!(first["worker"], json!({"id": "w1", "host": "h1", "address": "http://127.0.0.1:9"}));
    assert_eq!(first["expires_at"], "2026-11-20T10:01:30.000000Z");
    none_is_free(&bridge).await;
    let seen = read(&bridge, "/api/v1/fleet/status").await;
    let slots = ["capacity", "active", "available", "reserved"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!(slots, [1, 0, 0, 1]);
    assert_eq!((&seen["hosts"][0]["reserved"], &seen["hosts"][0]["total_available"]), (&json!(1), &json!(0)));
    assert!(bridge.metrics().await.contains("slots{state=\"reserved\"} 1"));

    // A renewal does not lose the promise.
    register(&bridge, &report("w1", "h1", None)).await;
    none_is_free(&bridge).await;
    let id = first["reservation_id"].as_str().unwrap();
    assert_eq!(history(&bridge, &first).await["status"], "open");
    assert_eq!(release(&bridge, id).await, StatusCode::NO_CONTENT);
    assert_eq!(history(&bridge, &first).await["status"], "released");
    let second = reserve(&bridge).await;
    assert_eq!(release(&bridge, id).await, StatusCode::NO_CONTENT, "again it changes nothing");
    none_is_free(&bridge).await;
    assert_ne!(second["reservation_id"], first["reservation_id"]);
    assert_eq!(release(&bridge, "rsv_unknown").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_nobody_gives_back_expires() {
    let bridge = TestBridge::start().await;
    register(&bridge, &report("w1", "h1", None)).await;
    let body = json!({"ttl_seconds": 7});
    let asked = bridge.internal(Method::POST, "/api/v1/fleet/reservations").json(&body).send().await.unwrap();
    let reserved = json(asked, StatusCode::CREATED).await;
    bridge.clock.advance(SignedDuration::from_millis(6_999));
    none_is_free(&bridge).await;
    bridge.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(history(&bridge, &reserved).await["status"], "expired");
    reserve(&bridge).await;
    none_is_free(&bridge).await;
    for bad in [json!(0), json!(301), json!(-1), json!("7"), json!(1.5)] {
        let body = json!({"ttl_seconds": bad});
        let asked =
            bridge.internal(Method::POST, "/api/v1/fleet/reservations").json(&body).send().await.unwrap();
        assert_eq!(wrong_fields(asked).await, ["ttl_seconds"], "{bad}");
    }
}

#[tokio::test]
async fn a_call_that_begins_confirms_and_its_end_frees_the_slot_at_once() {
    let bridge = TestBridge::start().await;
    register(&bridge, &report("w1", "h1", None)).await;
    let reserved = reserve(&bridge).await;
    register(&bridge, &report("w1", "h1", Some("call_a"))).await;
    assert_eq!(history(&bridge, &reserved).await["status"], "confirmed");
    none_is_free(&bridge).await;
    // A call that ended and another that began between two reports.
    register(&bridge, &report("w1", "h1", None)).await;
    let next = reserve(&bridge).await;
    register(&bridge, &report("w1", "h1", Some("call_b"))).await;
    register(&bridge, &report("w1", "h1", Some("call_c"))).await;
    register(&bridge, &report("w1", "h1", None)).await;
    assert_eq!(history(&bridge, &next).await["status"], "confirmed");
    reserve(&bridge).await;
    // The lease of a worker that is gone ends, and its slots with it.
    bridge.clock.advance(SignedDuration::from_secs(16));
    none_is_free(&bridge).await;
}

#[tokio::test]
async fn the_host_with_the_most_free_slots_is_chosen_and_the_others_are_remembered() {
    let bridge = TestBridge::start().await;
    for (worker, host, call) in [
        ("a1", "a", None),
        ("a2", "a", Some("call_a")),
        ("b1", "b", None),
        ("b2", "b", None),
        ("c1", "c", None),
    ] {
        register(&bridge, &report(worker, host, call)).await;
    }
    let mut draining = report("d1", "d", None);
    draining["draining"] = json!(true);
    register(&bridge, &draining).await;
    let first = reserve(&bridge).await;
    assert_eq!(first["worker"]["host"], "b");
    let told = history(&bridge, &first).await;
    assert_eq!((&told["host"], &told["worker_id"]), (&json!("b"), &first["worker"]["id"]));
    let candidates = [("b", "ok", 2), ("a", "ok", 1), ("c", "ok", 1), ("d", "draining", 0)]
        .map(|(host, status, free)| json!({"host": host, "status": status, "free": free}));
    assert_eq!(told["candidates"], json!(candidates));
    // One each now: all three are used, whatever the order.
    let mut rest = [reserve(&bridge).await, reserve(&bridge).await, reserve(&bridge).await]
        .map(|r| r["worker"]["host"].as_str().unwrap().to_owned());
    rest.sort();
    assert_eq!(rest, ["a", "b", "c"]);
    none_is_free(&bridge).await;
}

#[tokio::test]
async fn a_host_that_drains_is_given_nothing() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    let order = |path: &'static str| bridge.request(Method::POST, path).bearer_auth(&token).send();
    register(&bridge, &report("w1", "h1", None)).await;
    register(&bridge, &report("w2", "h1", None)).await;
    let kept = reserve(&bridge).await;
    for _ in 0..2 {
        assert_eq!(order("/api/v1/fleet/hosts/h1/drain").await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    none_is_free(&bridge).await;
    let seen = read(&bridge, "/api/v1/fleet/status").await;
    assert_eq!((&seen["hosts"][0]["status"], &seen["available"]), (&json!("draining"), &json!(0)));
    // What was promised before is kept, over renewals and new workers of the host.
    register(&bridge, &report("w3", "h1", None)).await;
    assert_eq!(history(&bridge, &kept).await["status"], "open");
    none_is_free(&bridge).await;
    assert_eq!(order("/api/v1/fleet/hosts/h1/undrain").await.unwrap().status(), StatusCode::NO_CONTENT);
    reserve(&bridge).await;
    assert_eq!(order("/api/v1/fleet/hosts/h1/undrain").await.unwrap().status(), StatusCode::NO_CONTENT);
    let unknown = order("/api/v1/fleet/hosts/h2/drain").await.unwrap();
    assert_eq!(refusal(unknown, StatusCode::NOT_FOUND).await, "not_found");
}
