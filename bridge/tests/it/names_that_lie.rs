//! Names that lead elsewhere each time they are asked for (DNS rebinding), in webhooks and CRMs. A real DNS server tells them, the
//! system's resolver asks, and the bridge is the program. A worker's tools meet the same in `core/tests/it/tools_meet_names_that_lie.rs`.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use vox_bridge::first_start::ADMIN_EMAIL;
use vox_harness::free_address;

use crate::harness::{client, json};
use crate::names_server::{Door, Names, furnish, lies, own_address};

/// The operator allows it; every other address of this machine is refused.
const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const INNER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const DEADLINE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Each round asks for the name once.
const ROUNDS: usize = 20;

struct Bridge {
    _child: Child,
    url: String,
    token: String,
    http: reqwest::Client,
    _root: tempfile::TempDir,
}

impl Bridge {
    async fn start(nameserver: Ipv4Addr) -> Self {
        let root = tempfile::tempdir().unwrap();
        furnish(root.path(), Path::new(env!("CARGO_BIN_EXE_vox-bridge")), nameserver);
        let mut child = Command::new("chroot")
            .arg(root.path())
            .args(["/vox-bridge", "--ready-file", "/ready.json"])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs([
                ("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN"),
                ("VOXCORE_SECRET", "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo"),
                ("VOX_BRIDGE_ADDR", "127.0.0.1:0"),
                ("VOX_BRIDGE_METRICS_LISTEN", "127.0.0.1:0"),
                ("VOX_DATA_DIR", "/data"),
                ("VOX_EGRESS_ALLOW", "127.0.0.2"),
                ("LOG_LEVEL", "error"),
            ])
            .kill_on_drop(true)
            .spawn()
            .expect("chroot is there");
        let file = root.path().join("ready.json");
        let began = Instant::now();
        let ready: Value = loop {
            // The file appears by a rename: when it is there, it is whole.
            match std::fs::read_to_string(&file) {
                Ok(text) => break serde_json::from_str(&text).unwrap(),
                Err(_) => {
                    let ended = child.try_wait().unwrap();
                    assert!(
                        ended.is_none() && began.elapsed() < DEADLINE,
                        "it wants root, and says why it ends: {ended:?}"
                    );
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        let (http, url) = (client(), ready["bridge_url"].as_str().unwrap().to_owned());
        let login = json!({"email": ADMIN_EMAIL, "password": ready["admin_password"]});
        let session = http.post(format!("{url}/api/v1/auth/login")).json(&login).send().await.unwrap();
        let session = json(session, StatusCode::OK).await;
        let token = session["access_token"].as_str().unwrap().to_owned();
        Self { _child: child, url, token, http, _root: root }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    /// One attempt of a CRM's pre-fetch there.
    async fn asks_crm(&self, url: &str) -> Value {
        self.send(Method::PUT, "/api/v1/bots/faq/crm", json!({"prefetch": {"url": url, "timeout_ms": 1500}}))
            .await;
        let test = json!({"which": "prefetch", "call": {"caller_id": "+15550123"}});
        self.send(Method::POST, "/api/v1/bots/faq/crm/test", test).await["attempt"].take()
    }

    /// The first attempt of a message to a webhook there.
    async fn tells_webhook(&self, url: &str) -> Value {
        let made = self.send(Method::POST, "/api/v1/webhooks", json!({"url": url})).await;
        let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
        self.send(Method::POST, &format!("{path}/test"), json!({})).await;
        let began = Instant::now();
        loop {
            let deliveries = self.http.get(format!("{}{path}/deliveries", self.url)).bearer_auth(&self.token);
            let deliveries = json(deliveries.send().await.unwrap(), StatusCode::OK).await;
            if let Some(attempt) = deliveries["items"][0]["attempts"].get(0) {
                return attempt.clone();
            }
            assert!(began.elapsed() < DEADLINE, "no attempt: {deliveries}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn was_taken(attempt: &Value) -> bool {
    assert!(attempt["status"] == 200 || attempt["error"].is_string(), "{attempt}");
    attempt["status"] == 200
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_when_it_is_used_is_never_followed() {
    let nameserver = own_address();
    let names = Names::start(nameserver, lies(ALLOWED, INNER)).await;
    // One that is free at both addresses.
    let port = free_address().port();
    let (allowed, _) = Door::open((ALLOWED, port)).await;
    let (inner, _) = Door::open((INNER, port)).await;
    let bridge = Bridge::start(nameserver).await;
    let address = |name: &str| format!("http://{name}:{port}/x");

    let mut taken = 0;
    for _ in 0..ROUNDS {
        taken += usize::from(was_taken(&bridge.asks_crm(&address("flip.test")).await));
    }
    assert_eq!((taken, allowed.came()), (ROUNDS / 2, ROUNDS / 2), "as often as the name was honest");
    assert_eq!(names.asked("flip.test"), ROUNDS, "the name is asked for once in each attempt");
    for _ in 0..4 {
        assert!(was_taken(&bridge.asks_crm(&address("both.test")).await), "the allowed of two is taken");
    }
    let before = allowed.came();
    let mut refused = Vec::new();
    for name in ["inner.test", "metadata.test", "mapped.test", "six.test"] {
        refused.push(bridge.asks_crm(&address(name)).await);
        refused.push(bridge.tells_webhook(&address(name)).await);
    }
    assert!(!refused.iter().any(was_taken), "{refused:?}");
    // Two endpoints, one of which meets the name's other face.
    let both = [
        bridge.tells_webhook(&address("flip.test")).await,
        bridge.tells_webhook(&address("flip.test")).await,
    ];
    assert_eq!(both.iter().filter(|attempt| was_taken(attempt)).count(), 1, "{both:?}");
    assert_eq!((allowed.came(), inner.came()), (before + 1, 0), "nobody came where nobody may go");
}
