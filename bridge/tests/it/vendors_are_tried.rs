//! The keys of vendors are tried, a breaker opens when a vendor is away, and calls begin with another one then.

use jiff::SignedDuration;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_shared::model::bot::BotSettings;
use vox_testkit::vendor::faults::Faults;
use vox_testkit::vendor::openai::{Script, Server};

use crate::harness::{TestBridge, json};

struct Stage {
    bridge: TestBridge,
    vendor: Server,
    bot: String,
}

impl Stage {
    async fn start() -> Self {
        let vendor =
            Server::start(Script { api_key: "sk-0123456789abcdef".into(), ..Script::default() }).await;
        let bridge = TestBridge::start().await;
        let model =
            |key: &str| json!({"provider": "openai", "api_key": key, "extra": {"base_url": vendor.url()}});
        let mut llm = model("sk-0123456789abcdef");
        llm["fallbacks"] = json!([model("sk-wrong-0123456789"), {"provider": "scripted"}]);
        let settings: BotSettings = serde_json::from_value(json!({"name": "Tried", "llm": llm})).unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
        Self { bridge, vendor, bot }
    }

    async fn vendors(&self) -> Vec<(Value, Value)> {
        let token = self.bridge.token(Role::Admin).await;
        let asked = self.bridge.get("/api/v1/vendors").bearer_auth(token);
        let text = json(asked.send().await.unwrap(), StatusCode::OK).await;
        assert!(!text.to_string().contains("sk-"), "{text}");
        let items = text["items"].as_array().unwrap();
        let mut seen: Vec<_> =
            items.iter().map(|one| (one["key_state"].clone(), one["breaker"].clone())).collect();
        seen.sort_by_key(|(state, _)| state.to_string());
        seen
    }

    /// Tries, so long after one another.
    async fn tries(&self, seconds: &[i64]) {
        for pause in seconds {
            self.bridge.clock.advance(SignedDuration::from_secs(*pause));
            self.bridge.app.checks.round().await.unwrap();
        }
    }

    async fn shown(&self) -> Vec<String> {
        let metrics = self.bridge.metrics().await;
        let of_vendors =
            |line: &&str| line.starts_with("circuit_breaker_state{") || line.starts_with("vendor_keys{");
        metrics.lines().filter(of_vendors).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_breaker_opens_when_a_vendor_is_away_and_calls_begin_with_another() {
    let stage = Stage::start().await;
    let (bridge, told) = (&stage.bridge, |state: &str, breaker: &str| (json!(state), json!(breaker)));
    assert_eq!(stage.vendors().await, [told("unchecked", "closed"), told("unchecked", "closed")]);
    stage.tries(&[0]).await;
    assert_eq!(stage.vendors().await, [told("good", "closed"), told("refused", "closed")]);
    assert_eq!(stage.shown().await.len(), 3, "{:?}", stage.shown().await);
    let operator = bridge.token(Role::SuperAdmin).await;
    let set =
        bridge.send(Method::PUT, "/api/v1/settings/routing", &operator, json!({"budget_ms": 900})).await;
    assert_eq!(set.status(), StatusCode::OK);
    let picked = async |session: &str| {
        let config = bridge.fetch_config(&stage.bot, &[("session_id", session)]).await;
        let config = json(config, StatusCode::OK).await;
        (config["llm"]["provider"].clone(), config["routing"].clone())
    };
    let (provider, routing) = picked("call_1").await;
    assert_eq!((provider, &routing["picked"]["llm"]["place"]), (json!("openai"), &json!(0)));
    assert!(
        routing["left_out"][0].as_str().unwrap().starts_with("llm.1 (openai): its key is refused"),
        "{routing}"
    );

    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    stage.tries(&[300, 15]).await;
    assert!(stage.vendors().await.iter().all(|one| *one == told("away", "closed")));
    stage.tries(&[15]).await;
    assert!(stage.vendors().await.iter().all(|one| *one == told("away", "open")));
    assert!(stage.shown().await.contains(&r#"circuit_breaker_state{service="openai"} 2"#.to_owned()));
    let (provider, routing) = picked("call_2").await;
    assert_eq!((provider, &routing["picked"]["llm"]["place"]), (json!("scripted"), &json!(2)));
    assert!(routing["left_out"][0].as_str().unwrap().contains("breaker is open"), "{routing}");

    stage.vendor.set_faults(Faults::default());
    stage.tries(&[15]).await;
    assert_eq!(stage.vendors().await[0], told("good", "half_open"));
    stage.tries(&[15]).await;
    assert_eq!(stage.vendors().await, [told("good", "closed"), told("refused", "closed")]);
    assert_eq!(picked("call_3").await.0, "openai");
    assert_eq!(stage.vendor.observed().on_path("/chat/completions").count(), 0, "nothing was spent");

    // A bot that is switched off needs no vendor.
    let mut faq =
        bridge.app.stores.bots(&bridge.tenant()).get_bot(&stage.bot.parse().unwrap()).await.unwrap();
    faq.value.settings.enabled = false;
    Box::pin(bridge.app.stores.bots(&bridge.tenant()).replace_bot(faq)).await.unwrap();
    stage.tries(&[300]).await;
    assert_eq!(stage.vendors().await, []);
    assert_eq!(stage.shown().await, Vec::<String>::new());
}
