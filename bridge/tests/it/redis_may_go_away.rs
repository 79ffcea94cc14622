//! A Redis that is killed, stands still, refuses or is cut off: nobody is answered 5xx, what is limited is counted by the bridge alone,
//! nobody gets a lease, and everything goes on by itself when the server is back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use vox_bridge::coordination::{Coordination, Gate, Heard, Redis, Subscription};
use vox_harness::RedisServer;
use vox_testkit::chaos::{ChaosProxy, Conditions};

use crate::harness::{TestBridge, json};
use crate::s3_server::eventually;

const RECOVERY: Duration = Duration::from_secs(15);
/// Longest wait for one answer of the engine: its deadline, and a little for a busy machine.
const ANSWER: Duration = Duration::from_millis(1_500);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

async fn bridge(url: String) -> TestBridge {
    TestBridge::start_with(|config| {
        config.coordination.redis_url = Some(url.into());
        config.limits.requests_per_minute = 1_000;
        config.limits.requests_at_once = 20;
    })
    .await
}

async fn health(bridge: &TestBridge) -> Value {
    json(bridge.get("/health").send().await.unwrap(), StatusCode::OK).await
}

/// Every use does what it is to do without the server, and soon.
async fn goes_on_alone(bridge: &TestBridge, token: &str) {
    let engine = &bridge.app.coordination;
    let since = Instant::now();
    while engine.check().await.is_ok() {
        assert!(since.elapsed() < RECOVERY, "the engine does not notice");
    }
    for n in 0..40 {
        let asked = Instant::now();
        let answer = bridge.get("/api/v1/auth/me").bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "request {n}");
        assert!(answer.headers().contains_key("x-ratelimit-remaining"));
        assert!(asked.elapsed() < ANSWER, "{:?}", asked.elapsed());
    }
    let ttl = Duration::from_secs(60);
    assert!(engine.acquire("job".into(), "b".into(), ttl).await.is_err(), "nobody gets a lease");
    assert!(engine.get("cached".into()).await.is_err());
    assert!(engine.publish("topic".into(), Bytes::from_static(b"not heard elsewhere")).await.is_err());
    assert!(engine.enter(Gate { name: "g".into(), most: 1, ttl }, "m".into()).await.is_err());
    // Five attempts are answered, and the sixth is refused by the bridge's own count.
    for _ in 0..5 {
        assert_eq!(bridge.log_in("nobody@test", "wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(bridge.log_in("nobody@test", "wrong").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let told = health(bridge).await;
    assert_eq!(
        (&told["status"], &told["parts"]["coordination"]),
        (&"degraded".into(), &"unavailable".into())
    );
    let metrics = bridge.metrics().await;
    assert!(metrics.contains("coordination_alone_total{what=\"rate\"}"), "{metrics}");
}

async fn comes_back(bridge: &TestBridge, listener: &mut Subscription) {
    let since = Instant::now();
    let engine = &bridge.app.coordination;
    while engine.check().await.is_err() {
        assert!(since.elapsed() < RECOVERY, "not back after {:?}", since.elapsed());
        sleep(LOOK_AGAIN).await;
    }
    assert_eq!(health(bridge).await["status"], "ok");
    let lease = engine.acquire("another".into(), "b".into(), Duration::from_secs(60)).await.unwrap();
    assert!(lease.is_some());
    let missed = timeout(RECOVERY, async {
        while listener.next().await.expect("the engine is there") != Heard::Missed {}
    });
    missed.await.expect("whoever listens is told that something was missed");
    engine.publish("topic".into(), Bytes::from_static(b"again")).await.unwrap();
    let heard = timeout(RECOVERY, async {
        // The connection that listens and the one that publishes may both have missed something.
        loop {
            match listener.next().await.expect("the engine is there") {
                Heard::Missed => {}
                Heard::Message(message) => break message,
            }
        }
    });
    assert_eq!(heard.await.expect("it is told"), Bytes::from_static(b"again"));
    assert!(since.elapsed() < RECOVERY, "{:?}", since.elapsed());
}

#[tokio::test]
async fn redis_killed_and_started_anew() {
    let server = RedisServer::start();
    let (port, bridge) = (server.port, bridge(server.url()).await);
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let mut listener = bridge.app.coordination.subscribe("topic");
    let ttl = Duration::from_secs(60);
    let before = bridge.app.coordination.acquire("job".into(), "a".into(), ttl).await.unwrap().unwrap();
    server.signal(Signal::KILL);
    drop(server);
    goes_on_alone(&bridge, &token).await;
    let _again = RedisServer::on(port);
    comes_back(&bridge, &mut listener).await;
    let after = bridge.app.coordination.acquire("job".into(), "b".into(), ttl).await.unwrap().unwrap();
    assert!(after > before, "fences rise though the server has forgotten them: {after:?} after {before:?}");
    bridge.stop().await;
}

#[tokio::test]
async fn redis_that_stands_still() {
    let server = RedisServer::start();
    let bridge = bridge(server.url()).await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let mut listener = bridge.app.coordination.subscribe("topic");
    server.signal(Signal::STOP);
    goes_on_alone(&bridge, &token).await;
    server.signal(Signal::CONT);
    comes_back(&bridge, &mut listener).await;
    bridge.stop().await;
}

async fn behind_a_proxy(bad: Conditions) {
    let server = RedisServer::start();
    let proxy = ChaosProxy::start(SocketAddr::from(([127, 0, 0, 1], server.port))).await.unwrap();
    let bridge = bridge(format!("redis://{}", proxy.address())).await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let mut listener = bridge.app.coordination.subscribe("topic");
    if bad.refuse {
        proxy.cut();
    }
    proxy.set(bad);
    goes_on_alone(&bridge, &token).await;
    proxy.set(Conditions::default());
    comes_back(&bridge, &mut listener).await;
    bridge.stop().await;
}

#[tokio::test]
async fn redis_that_refuses() {
    behind_a_proxy(Conditions { refuse: true, ..Conditions::default() }).await;
}

/// A line that takes everything and brings nothing back, as behind a firewall that has forgotten it.
#[tokio::test]
async fn redis_on_a_dead_line() {
    behind_a_proxy(Conditions { paused: true, ..Conditions::default() }).await;
}

/// It answers, and later than a request should wait for a count: the bridge counts alone.
#[tokio::test]
async fn redis_that_is_slow() {
    let server = RedisServer::start();
    let proxy = ChaosProxy::start(SocketAddr::from(([127, 0, 0, 1], server.port))).await.unwrap();
    let bridge = bridge(format!("redis://{}", proxy.address())).await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    proxy.set(Conditions { latency: Duration::from_millis(200), ..Conditions::default() });
    for n in 0..10 {
        let answer = bridge.get("/api/v1/auth/me").bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "request {n}");
    }
    let is_there = eventually(RECOVERY, || async { bridge.app.coordination.check().await.is_ok() }).await;
    assert!(is_there, "it is there all the while");
    let metrics = bridge.metrics().await;
    assert!(metrics.contains("coordination_alone_total{what=\"rate\"}"), "{metrics}");
    bridge.stop().await;
}

#[tokio::test]
async fn redis_is_away_at_the_start() {
    let port = RedisServer::start().port;
    let bridge = bridge(format!("redis://127.0.0.1:{port}")).await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let mut listener = bridge.app.coordination.subscribe("topic");
    goes_on_alone(&bridge, &token).await;
    let _server = RedisServer::on(port);
    comes_back(&bridge, &mut listener).await;
    bridge.stop().await;
}

#[tokio::test]
async fn redis_that_refuses_the_login_stops_the_start() {
    let server = RedisServer::with(&["--password", "opensesame1"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    let right: Arc<dyn Coordination> = Arc::new(Redis::open(&url("opensesame1").into()).await.unwrap());
    right.check().await.unwrap();
    for wrong in [url("wrong"), server.url()] {
        let error = Redis::open(&wrong.into()).await.err().expect("it is refused").to_string();
        assert!(error.contains("VOX_REDIS_URL") && !error.contains("opensesame1"), "{error}");
    }
}
