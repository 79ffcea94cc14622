//! What is expected of vendors stands beside what workers saw of them, and a vendor that misses it for a while is told of.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vox_bridge::auth::role::Role;
use vox_bridge::store::Stamp;
use vox_bridge::store::settings::{Owner, Settings, VendorKey};
use vox_shared::model::bot::{ApiKey, BotSettings};

use crate::harness::{TestBridge, json, wrong_fields};

const KEY: &str = "sk-0123456789abcdef";
const SERVER: &str = "http://127.0.0.1:9/v1";

struct Stage {
    bridge: TestBridge,
    /// What workers say of the bot's model: its vendor and its account.
    row: Value,
}

impl Stage {
    async fn start() -> Self {
        let llm = json!({"provider": "openai", "api_key": KEY, "extra": {"base_url": SERVER}});
        Self::over(TestBridge::start().await, llm, KEY).await
    }

    /// The bot's model has this key in the end.
    async fn over(bridge: TestBridge, llm: Value, key: &str) -> Self {
        let hash = Sha256::digest(key.as_bytes());
        let key: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let row = json!({"service": "llm", "provider": llm["provider"], "base_url": llm["extra"]["base_url"], "key": key, "model": "m"});
        let settings: BotSettings = serde_json::from_value(json!({"name": "Held", "llm": llm})).unwrap();
        bridge.insert_bot(&bridge.tenant(), settings).await;
        // No vendor's own address is among them with a key that could be sent there, so nobody is asked.
        bridge.app.checks.round().await.unwrap();
        bridge.app.latest.round().await.unwrap();
        Self { bridge, row }
    }

    /// Two workers saw so many answers and failures each, all within a second.
    async fn saw(&self, answered: u32, failed: u32) {
        let (mut row, mut spread) = (self.row.clone(), [0; 15]);
        spread[8] = answered;
        let seen = json!({"answered": answered, "failed": failed, "spread": spread});
        row.as_object_mut().unwrap().extend(seen.as_object().unwrap().clone());
        let other = json!({"service": "llm", "provider": "openai", "key": "ffffffff", "failed": 900});
        for worker in ["w1", "w2"] {
            let report = json!({
                "worker_id": worker, "host": "h", "address": "http://127.0.0.1:9", "slots": 1, "calls": 0, "build": "t", "draining": false,
                "pid": 7, "vendors": [row, other],
            });
            let sent = self.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report);
            assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
        }
    }

    /// Rounds of two bridges, a minute after each other, while workers see this.
    async fn minutes(&self, minutes: u32, (answered, failed): (u32, u32)) {
        for _ in 0..minutes {
            self.bridge.clock.advance(SignedDuration::from_mins(1));
            self.saw(answered, failed).await;
            self.bridge.app.targets.round().await.unwrap();
            self.bridge.app.targets.round().await.unwrap();
        }
    }

    async fn lately(&self) -> Value {
        let token = self.bridge.token(Role::Agent).await;
        let asked = self.bridge.get("/api/v1/analytics/vendors").bearer_auth(token);
        let known = json(asked.send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(
            known["lately"].as_array().unwrap().len(),
            1,
            "another's account is no business of ours: {known}"
        );
        known["lately"][0].clone()
    }

    async fn events(&self) -> Vec<(String, Value)> {
        self.bridge.app.herald.tell_all().await.unwrap();
        let token = self.bridge.token(Role::Admin).await;
        let listed = self.bridge.get("/api/v1/events?limit=50").bearer_auth(token);
        let listed = json(listed.send().await.unwrap(), StatusCode::OK).await;
        let items = listed["items"].as_array().unwrap().iter();
        let of_vendors = items.filter(|event| event["event"].as_str().unwrap().starts_with("vendor."));
        of_vendors.map(|event| (event["event"].as_str().unwrap().to_owned(), event["data"].clone())).collect()
    }

    async fn set(&self, items: Value) -> Response {
        let operator = self.bridge.token(Role::SuperAdmin).await;
        let path = "/api/v1/settings/vendor-targets";
        self.bridge.send(Method::PUT, path, &operator, json!({"items": items})).await
    }

    async fn shown(&self) -> Option<String> {
        let metrics = self.bridge.metrics().await;
        let name = r#"vendor_target_missed{service="llm",provider="openai"} "#;
        metrics.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
    }
}

#[tokio::test]
async fn a_vendor_that_misses_its_target_is_told_of_once_and_so_is_its_return() {
    let stage = Stage::start().await;
    stage.minutes(1, (4, 0)).await;
    let few = stage.lately().await;
    assert_eq!(
        (&few["state"], &few["answered"], &few["p95_ms"]),
        (&json!("unknown"), &json!(8), &Value::Null)
    );
    stage.minutes(1, (50, 0)).await;
    let well = stage.lately().await;
    assert_eq!((&well["state"], &well["target_p95_ms"]), (&json!("met"), &json!(2_000)));
    assert!((700.0..=1_000.0).contains(&well["p95_ms"].as_f64().unwrap()), "{well}");
    assert_eq!(stage.shown().await.as_deref(), Some("0"));

    // A minute of it is a moment.
    stage.minutes(1, (45, 5)).await;
    stage.minutes(2, (50, 0)).await;
    assert_eq!((stage.events().await, stage.lately().await["state"].clone()), (vec![], json!("met")));
    stage.minutes(4, (45, 5)).await;
    let told = stage.events().await;
    assert_eq!(told.len(), 1, "{told:?}");
    let (event, data) = &told[0];
    assert_eq!(event, "vendor.target_missed");
    assert_eq!(
        (&data["service"], &data["provider"], &data["failures"]),
        (&json!("llm"), &json!("openai"), &json!(10))
    );
    assert_eq!(
        (&data["availability_percent"], &data["target_availability_percent"]),
        (&json!(90.0), &json!(99.0))
    );
    let missed = stage.lately().await;
    assert_eq!((&missed["state"], missed["missed_since"].is_string()), (&json!("missed"), true));
    assert_eq!(stage.shown().await.as_deref(), Some("1"));

    // All workers begin anew, and nobody knows anything of it: it stands as it did.
    stage.bridge.clock.advance(SignedDuration::from_mins(1));
    stage.bridge.app.targets.round().await.unwrap();
    assert_eq!((stage.events().await.len(), stage.shown().await.as_deref()), (1, Some("1")));

    stage.minutes(4, (50, 0)).await;
    let told = stage.events().await;
    let names: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(names.len(), 2, "{told:?}");
    assert!(names.contains(&"vendor.target_met"), "{told:?}");
    assert_eq!(stage.shown().await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_bridge_that_has_just_begun_forgets_no_vendor_that_misses_its_target() {
    let stage = Stage::start().await;
    stage.minutes(4, (45, 5)).await;
    assert_eq!(stage.events().await.len(), 1);
    // It has not looked yet which vendors the tenant's bots name.
    let second = stage.bridge.second_app().await;
    second.targets.round().await.unwrap();
    stage.minutes(4, (45, 5)).await;
    let told = stage.events().await;
    assert_eq!((told.len(), &stage.lately().await["state"]), (1, &json!("missed")), "{told:?}");
    stage.minutes(4, (50, 0)).await;
    assert_eq!(stage.events().await.len(), 2, "its return is told");
}

/// A tenant without a key of its own saw how much all tenants asked of the deployment's.
#[tokio::test]
async fn of_what_tenants_share_no_counts_are_told() {
    // One that is no key file is refused before anybody is asked.
    let key = "sk-deployment-0123456789";
    let bridge = TestBridge::start().await;
    let held = VendorKey { provider: "vertex".into(), api_key: ApiKey::new(key) };
    let set = |settings: &mut Settings| settings.vendor_keys = vec![held.clone()];
    bridge.app.stores.settings().change(&Owner::Deployment, Stamp(bridge.now()), set).await.unwrap();
    let stage = Stage::over(bridge, json!({"provider": "vertex"}), key).await;
    stage.minutes(4, (45, 4)).await;
    let shown = stage.lately().await;
    assert_eq!(
        (&shown["kind"], &shown["provider"], &shown["state"]),
        (&json!("llm"), &json!("vertex"), &json!("missed"))
    );
    assert_eq!((&shown["availability_percent"], shown["p95_ms"].is_f64()), (&json!(91.8), true), "{shown}");
    for count in ["answered", "failed", "samples"] {
        assert_eq!(shown[count], Value::Null, "{count}");
    }
    let told = stage.events().await;
    let data = &told[0].1;
    assert_eq!((told.len(), &data["availability_percent"]), (1, &json!(91.8)), "{told:?}");
    assert_eq!((&data["requests"], &data["failures"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_target_of_ones_own_counts_and_one_that_makes_no_sense_is_refused() {
    let stage = Stage::start().await;
    let row = |more: Value| {
        let mut row = json!({"service": "llm", "provider": "openai"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([row])
    };
    for (items, field) in [
        (row(json!({"availability_percent": 101})), "items.0.availability_percent"),
        (row(json!({"p95_ms": 10})), "items.0.p95_ms"),
        (row(json!({"provider": "deepgram"})), "items.0.provider"),
    ] {
        assert_eq!(wrong_fields(stage.set(items).await).await, [field]);
    }
    let set = json(stage.set(row(json!({"p95_ms": 500}))).await, StatusCode::OK).await;
    assert_eq!(set["vendor_targets"][0]["p95_ms"], 500);
    stage.minutes(3, (50, 0)).await;
    let missed = stage.lately().await;
    assert_eq!((&missed["state"], &missed["target_availability_percent"]), (&json!("missed"), &Value::Null));
    assert_eq!(stage.events().await[0].1["target_p95_ms"], 500);
}
