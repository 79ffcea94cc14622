//! Why a bot takes no calls can be seen: the last requests for its config and what became of them, without personal data.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::jobs::janitor::sweep;
use vox_bridge::runtime::request_log::KEPT;
use vox_bridge::store::config_requests::{CONFIG_REQUESTS, KEPT_REQUESTS};
use vox_bridge::store::engine::Which;

use crate::harness::{TestBridge, json};

const TOKEN: &str = "lt-0123456789abcdef";

struct Stage {
    bridge: TestBridge,
    admin: String,
    bot: String,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let admin = bridge.token(Role::Admin).await;
        let body = json!({"name": "a", "line_access": {"token": TOKEN}});
        let made = bridge.send(Method::POST, "/api/v1/bots", &admin, body).await;
        let bot = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        Self { bridge, admin, bot }
    }

    async fn change(&self, body: Value) {
        let path = format!("/api/v1/bots/{}", self.bot);
        let changed = self.bridge.send(Method::PATCH, &path, &self.admin, body).await;
        assert_eq!(changed.status(), StatusCode::OK);
    }

    /// A worker asks; every request is one second after the other.
    async fn asks(&self, session: &str, query: &[(&str, &str)]) -> StatusCode {
        self.bridge.clock.advance(SignedDuration::from_secs(1));
        let own = [
            ("session_id", session),
            ("worker_id", "wrk_1"),
            ("caller_id", "+15550142"),
            ("transport", "ws"),
        ];
        self.bridge.fetch_config(&self.bot, &[&own, query].concat()).await.status()
    }

    async fn log(&self) -> Value {
        self.bridge.app.configs.log.write().await;
        let path = format!("/api/v1/bots/{}/config-requests", self.bot);
        json(self.bridge.get(&path).bearer_auth(&self.admin).send().await.unwrap(), StatusCode::OK).await
    }
}

fn outcomes(log: &Value) -> Vec<(u64, &str)> {
    let items = log["items"].as_array().unwrap().iter();
    items.map(|item| (item["status"].as_u64().unwrap(), item["outcome"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn each_outcome_is_told_with_its_reason_and_nobodys_number() {
    let stage = Stage::start().await;
    let guarded = [("line_token", TOKEN)];
    let event = [("line_token", TOKEN), ("connected_event", r#"{"name": "canary-name"}"#)];
    assert_eq!(stage.asks("call_1", &event).await, StatusCode::OK);
    assert_eq!(stage.asks("call_2", &[("line_token", "wrong-token"), ("peer", "198.51.100.9")]).await, 403);
    stage
        .change(json!({"active_hours": {"enabled": true, "days": ["sun"], "start": "01:00", "end": "02:00"}}))
        .await;
    assert_eq!(stage.asks("call_3", &guarded).await, 503);
    stage.change(json!({"active_hours": {"enabled": false}, "max_cost_micros_per_day": 5, "limits": {"max_cost_micros": 5}})).await;
    assert_eq!(stage.asks("call_4", &guarded).await, StatusCode::OK);
    assert_eq!(stage.asks("call_5", &guarded).await, 402);
    stage.change(json!({"enabled": false})).await;
    assert_eq!(stage.asks("call_6", &guarded).await, 404);

    let log = stage.log().await;
    let expected = [
        (404, "unknown_bot"),
        (402, "budget_exceeded"),
        (200, "ok"),
        (503, "outside_active_hours"),
        (403, "line_forbidden"),
        (200, "ok"),
    ];
    assert_eq!(outcomes(&log), expected);
    let hours = &log["items"][3];
    assert!(hours["reason"].as_str().unwrap().contains("sun 01:00-02:00"), "{hours}");
    assert_eq!((&hours["at"], &hours["worker_id"]), (&json!("2026-11-20T10:00:03.000000Z"), &json!("wrk_1")));
    let first = &log["items"][5];
    assert_eq!(
        (&first["session_id"], &first["reason"], &first["transport"]),
        (&json!("call_1"), &Value::Null, &json!("ws"))
    );
    assert_eq!((&log["lost_by_this_bridge"], &log["kept"]), (&json!(0), &json!(KEPT_REQUESTS)));
    let stored = stage.bridge.engine.list_by_id(&CONFIG_REQUESTS, Which::All, None).await.unwrap();
    let text = format!("{stored:?}{log}");
    for canary in ["5550142", "canary-name", "198.51.100", TOKEN, "wrong-token"] {
        assert!(!text.contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn the_log_is_bounded_forgets_and_says_what_it_lost() {
    let stage = Stage::start().await;
    for n in 0..KEPT_REQUESTS + 5 {
        assert_eq!(stage.asks(&format!("call_{n}"), &[]).await, 403);
    }
    let log = stage.log().await;
    assert_eq!(outcomes(&log).len(), KEPT_REQUESTS);
    assert_eq!(log["items"][0]["session_id"], format!("call_{}", KEPT_REQUESTS + 4));

    // It cannot be read, so nothing can be added: the requests are answered all the same.
    stage.bridge.damage(&CONFIG_REQUESTS, &stage.bot, "requests", 7.into()).await;
    assert_eq!(stage.asks("call_x", &[]).await, 403);
    stage.bridge.app.configs.log.write().await;
    assert!(stage.bridge.metrics().await.contains("config_requests_lost_total 1"));
    assert_eq!(stage.bridge.app.configs.log.lost(), 1);
    stage.bridge.damage(&CONFIG_REQUESTS, &stage.bot, "requests", json!([])).await;
    assert_eq!(stage.log().await["lost_by_this_bridge"], 1);

    stage.bridge.clock.advance(KEPT + SignedDuration::from_secs(1));
    sweep(&stage.bridge.app.stores, &stage.bridge.clock).await.unwrap();
    let left = stage.bridge.engine.list_by_id(&CONFIG_REQUESTS, Which::All, None).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
