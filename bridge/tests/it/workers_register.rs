//! Workers: registration, expiry, capacity.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::store::Stamp;
use vox_shared::wire::fleet::WorkerReport;

use crate::harness::{TestBridge, json, wrong_fields};

fn report(id: &str, host: &str, calls: u32, draining: bool) -> Value {
    json!({
        "version": 1, "worker_id": id, "host": host, "address": "http://127.0.0.1:9001", "slots": 1, "calls": calls,
        "build": "0.1.0", "draining": draining, "pid": 7, "outbox_depth": 2
    })
}

async fn register(bridge: &TestBridge, report: &Value) -> Response {
    bridge.internal(Method::POST, "/api/v1/fleet/workers").json(report).send().await.unwrap()
}

async fn status(bridge: &TestBridge, token: &str) -> Value {
    json(bridge.get("/api/v1/fleet/status").bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

#[tokio::test]
async fn capacity_is_what_live_workers_offer() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    for worker in [report("w1", "h1", 0, false), report("w2", "h1", 1, false), report("w3", "h2", 0, true)] {
        assert_eq!(json(register(&bridge, &worker).await, StatusCode::OK).await, json!({"ttl_seconds": 15}));
    }
    let seen = status(&bridge, &token).await;
    assert_eq!((&seen["capacity"], &seen["active"], &seen["available"]), (&json!(3), &json!(1), &json!(1)));
    let hosts = seen["hosts"].as_array().unwrap();
    assert_eq!((&hosts[0]["total_capacity"], &hosts[0]["total_available"]), (&json!(2), &json!(1)));
    assert_eq!((&hosts[1]["status"], &hosts[1]["total_available"]), (&json!("draining"), &json!(0)));
    assert_eq!(hosts[0]["workers"][1]["outbox_depth"], 2);
    let metrics = bridge.metrics().await;
    assert!(
        metrics.contains("slots{state=\"free\"} 1") && metrics.contains("slots{state=\"busy\"} 1"),
        "{metrics}"
    );
}

/// While the workers' secret is changed on one host after the other.
#[tokio::test]
async fn a_second_secret_is_taken_too_and_a_third_is_not() {
    let also = "the-secret-that-comes-0123456789-0123456789";
    let bridge = TestBridge::start_with(|config| config.auth.internal_secret_also = Some(also.into())).await;
    let body = report("w1", "h1", 0, false);
    assert_eq!(register(&bridge, &body).await.status(), StatusCode::OK);
    for (secret, expected) in
        [(also, StatusCode::OK), ("the-secret-of-nobody-0123456789-0123456789", StatusCode::FORBIDDEN)]
    {
        let request =
            bridge.request(Method::POST, "/api/v1/fleet/workers").header("x-voxcore-secret", secret);
        assert_eq!(request.json(&body).send().await.unwrap().status(), expected);
    }
    let lists = bridge.request(Method::GET, "/api/v1/internal/bots").header("x-voxcore-secret", also);
    assert_eq!(lists.send().await.unwrap().status(), StatusCode::FORBIDDEN, "a worker's is no tool's");
}

#[tokio::test]
async fn a_worker_that_does_not_renew_is_gone() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    register(&bridge, &report("w1", "h1", 0, false)).await;
    register(&bridge, &report("w2", "h1", 0, false)).await;
    bridge.clock.advance(SignedDuration::from_secs(10));
    register(&bridge, &report("w1", "h1", 1, false)).await;
    bridge.clock.advance(SignedDuration::from_secs(10));
    let seen = status(&bridge, &token).await;
    assert_eq!((&seen["capacity"], &seen["active"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn an_address_is_a_host_and_a_port_and_nothing_else() {
    let bridge = TestBridge::start().await;
    for bad in [
        "",
        "127.0.0.1:9001",
        "ftp://h:1",
        "http://u:p@h:1",
        "http://h:1/path",
        "http://h:1?x=1",
        "file:///etc",
        "http://169.254.169.254:80",
        "http://0.0.0.0:9001",
        "http://[::ffff:169.254.169.254]:80",
    ] {
        let mut worker = report("w1", "h1", 0, false);
        worker["address"] = json!(bad);
        assert_eq!(wrong_fields(register(&bridge, &worker).await).await, ["address"], "{bad}");
    }
    for bad in ["", "h 1", "h1/../h2", "h1\nh2", "<b>", &"h".repeat(254)] {
        let worker = report("w1", bad, 0, false);
        assert_eq!(wrong_fields(register(&bridge, &worker).await).await, ["host"], "{bad:?}");
    }
    assert_eq!(wrong_fields(register(&bridge, &report("w1", "h1", 2, false)).await).await, ["calls"]);
}

/// One page of the store holds 500.
#[tokio::test]
async fn a_large_fleet_is_seen_whole() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    let expires_at = Stamp(bridge.now() + SignedDuration::from_secs(15));
    let workers = bridge.app.stores.workers();
    let registered = (0..520).map(|n| {
        let report = serde_json::from_value(report(&format!("w{n}"), "h1", 0, false)).unwrap();
        let (workers, now) = (&workers, Stamp(bridge.now()));
        async move {
            let report: WorkerReport = report;
            workers.register(&report, (now, expires_at)).await
        }
    });
    futures_util::future::try_join_all(registered).await.unwrap();
    assert_eq!(status(&bridge, &token).await["capacity"], 520);
}
