//! Hosts whose workers do not register are asked for their slots.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

/// A host that answers every request with this text; with none it reads and says nothing.
struct FakeHost {
    at: SocketAddr,
    says: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl FakeHost {
    async fn start(says: Option<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(says.map(|value| value.to_string())));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, heard) = (says.clone(), asked.clone());
        let serving = tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let size = socket.read(&mut request).await.unwrap_or(0);
                heard.lock().unwrap().push(String::from_utf8_lossy(&request[..size]).into_owned());
                let said = answer.lock().unwrap().clone();
                match said {
                    Some(body) => {
                        let head = format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                            body.len()
                        );
                        // A client that is gone is the test's own end.
                        let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
                    }
                    None => silent.push(socket),
                }
            }
        });
        Self { at, says, asked, serving }
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    fn says(&self, value: &Value) {
        *self.says.lock().unwrap() = Some(value.to_string());
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn healthy(max: u32, calls: u32) -> Value {
    let workers = json!([{"id": "1", "calls": calls, "max": max, "pid": 5}]);
    json!({"status": "ok", "fleet_calls": calls, "fleet_max": max, "fleet_available": max - calls, "workers": workers})
}

async fn add(bridge: &TestBridge, body: &Value) -> Response {
    let token = bridge.token(Role::SuperAdmin).await;
    bridge.request(Method::POST, "/api/v1/fleet/hosts").bearer_auth(token).json(body).send().await.unwrap()
}

async fn add_host(bridge: &TestBridge, name: &str, host: &FakeHost) {
    let added = add(bridge, &json!({"name": name, "url": host.url()})).await;
    assert_eq!(added.status(), StatusCode::CREATED);
}

async fn status(bridge: &TestBridge) -> Value {
    let token = bridge.token(Role::Admin).await;
    json(bridge.get("/api/v1/fleet/status").bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

async fn reserve(bridge: &TestBridge) -> Response {
    bridge.internal(Method::POST, "/api/v1/fleet/reservations").json(&json!({})).send().await.unwrap()
}

#[tokio::test]
async fn a_host_that_is_added_is_seen_and_used_without_a_restart() {
    let bridge = TestBridge::start().await;
    let host = FakeHost::start(Some(healthy(4, 1))).await;
    add_host(&bridge, "voice-1", &host).await;
    let row = status(&bridge).await["hosts"][0].clone();
    assert_eq!((&row["status"], &row["error"]), (&json!("unhealthy"), &json!("it was not polled yet")));
    bridge.app.poller.poll_due().await.unwrap();
    let seen = status(&bridge).await;
    let row = json!({
        "url": host.url(), "host": "voice-1", "status": "ok", "total_capacity": 4, "total_available": 3, "worker_calls": 1,
        "reserved": 0, "polled": true, "workers": [{"id": "1", "calls": 1, "max": 4, "pid": 5}]
    });
    assert_eq!(seen, json!({"capacity": 4, "active": 1, "available": 3, "reserved": 0, "hosts": [row]}));
    let asked = host.asked.lock().unwrap().clone();
    assert!(asked.len() == 1 && asked[0].starts_with("GET /health/fleet HTTP/1.1"), "{asked:?}");
    assert!(!asked[0].to_lowercase().contains("secret"), "health is asked without it");

    let mut reserved = Vec::new();
    for _ in 0..3 {
        reserved.push(json(reserve(&bridge).await, StatusCode::CREATED).await);
    }
    assert_eq!(reserved[0]["worker"], json!({"id": null, "host": "voice-1", "address": host.url()}));
    assert_eq!(refusal(reserve(&bridge).await, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
    // Two of the calls run: they count as calls from now on, and one slot is promised still.
    host.says(&healthy(4, 3));
    bridge.clock.advance(SignedDuration::from_secs(10));
    bridge.app.poller.poll_due().await.unwrap();
    let seen = status(&bridge).await;
    let slots = ["active", "available", "reserved"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!(slots, [3, 0, 1]);
}

#[tokio::test]
async fn a_host_is_asked_again_only_when_it_is_due_and_its_word_grows_old() {
    let bridge = TestBridge::start().await;
    let second = bridge.second_app().await;
    let host = FakeHost::start(Some(healthy(1, 0))).await;
    add_host(&bridge, "voice-1", &host).await;
    for _ in 0..3 {
        bridge.app.poller.poll_due().await.unwrap();
        second.poller.poll_due().await.unwrap();
    }
    assert_eq!(host.asked.lock().unwrap().len(), 1, "one of the bridges asks it");
    bridge.clock.advance(SignedDuration::from_secs(44));
    assert_eq!(status(&bridge).await["available"], 1);
    bridge.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(status(&bridge).await["hosts"][0]["error"], "its last answer is too old");
    assert_eq!(refusal(reserve(&bridge).await, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
    second.poller.poll_due().await.unwrap();
    assert_eq!(status(&bridge).await["available"], 1);
}

#[tokio::test]
async fn a_slow_host_holds_up_no_other() {
    let bridge = TestBridge::start().await;
    let (slow, good) = (FakeHost::start(None).await, FakeHost::start(Some(healthy(2, 0))).await);
    add_host(&bridge, "a-slow", &slow).await;
    add_host(&bridge, "b-good", &good).await;
    let poller = bridge.app.poller.clone();
    let polling = tokio::spawn(async move { poller.poll_due().await });
    let seen = tokio::time::timeout(Duration::from_secs(15), async {
        while status(&bridge).await["available"] != 2 || slow.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    });
    seen.await.expect("the good host is seen long before the slow one is given up");
    assert!(!polling.is_finished() && slow.asked.lock().unwrap().len() == 1);
    assert_eq!(json(reserve(&bridge).await, StatusCode::CREATED).await["worker"]["host"], "b-good");
    polling.abort();
}

#[tokio::test]
async fn what_a_sick_host_says_is_told_and_it_is_not_used() {
    let bridge = TestBridge::start().await;
    let host = FakeHost::start(Some(json!({"status": "ok"}))).await;
    add_host(&bridge, "voice-1", &host).await;
    bridge.app.poller.poll_due().await.unwrap();
    let row = status(&bridge).await["hosts"][0].clone();
    assert_eq!(row["error"], "its `fleet_max` is no non-negative integer");
    assert_eq!(refusal(reserve(&bridge).await, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
    let gone = host.url();
    drop(host);
    bridge.clock.advance(SignedDuration::from_secs(10));
    bridge.app.poller.poll_due().await.unwrap();
    let row = status(&bridge).await["hosts"][0].clone();
    assert_eq!((&row["url"], &row["error"]), (&json!(gone), &json!("no connection")));
}

#[tokio::test]
async fn a_host_drains_moves_and_is_taken_away() {
    let bridge = TestBridge::start().await;
    let (old, new) = (FakeHost::start(Some(healthy(2, 0))).await, FakeHost::start(Some(healthy(3, 0))).await);
    add_host(&bridge, "voice-1", &old).await;
    bridge.app.poller.poll_due().await.unwrap();
    let token = bridge.token(Role::SuperAdmin).await;
    let send = |method: Method, path: &'static str| bridge.request(method, path).bearer_auth(&token).send();
    let drained = send(Method::POST, "/api/v1/fleet/hosts/voice-1/drain").await.unwrap();
    assert_eq!(drained.status(), StatusCode::NO_CONTENT);
    let seen = status(&bridge).await;
    assert_eq!((&seen["hosts"][0]["status"], &seen["capacity"]), (&json!("draining"), &json!(2)));
    assert_eq!(refusal(reserve(&bridge).await, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
    // Another address under the same name; it drains still.
    add_host(&bridge, "voice-1", &new).await;
    bridge.app.poller.poll_due().await.unwrap();
    assert_eq!(status(&bridge).await["hosts"][0]["status"], "draining");
    send(Method::POST, "/api/v1/fleet/hosts/voice-1/undrain").await.unwrap();
    assert_eq!(status(&bridge).await["available"], 3);
    let gone = send(Method::DELETE, "/api/v1/fleet/hosts/voice-1").await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(status(&bridge).await["hosts"], json!([]));
    let again = send(Method::DELETE, "/api/v1/fleet/hosts/voice-1").await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    for (body, field) in [
        (json!({"name": "a b", "url": "http://h:1"}), "name"),
        (json!({"name": "a", "url": "http://h:1/path"}), "url"),
        (json!({"name": "a", "url": "ftp://h"}), "url"),
        (json!({"url": "http://h:1"}), "name"),
    ] {
        assert_eq!(wrong_fields(add(&bridge, &body).await).await, [field], "{body}");
    }
}
