//! Calls begin with the vendors that fit the budget, by what was measured of them, and their records say why.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::store::latencies::LATENCIES;
use vox_bridge::store::settings::SETTINGS;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, result, wrong_fields};

struct Stage {
    bridge: TestBridge,
    bot: String,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let settings = json!({
            "name": "Routed", "stt": {"provider": "pocketsphinx"}, "llm": {"provider": "scripted"},
            "tts": {"provider": "elevenlabs", "voice": "v1", "api_key": "xi-0123456789abcdef",
                    "fallbacks": [{"provider": "flite", "voice": "kal"}]},
        });
        let settings: BotSettings = serde_json::from_value(settings).unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
        Self { bridge, bot }
    }

    /// A call in which these answered, so fast.
    async fn called(&self, session: &str, voice: &str, tts_ms: f64) {
        let mut told = result(session, "bot");
        told["bot_id"] = json!(self.bot);
        told["latency_samples"] =
            json!([{"stt_ms": 100.0, "llm_ms": 50.0, "tts_ms": tts_ms, "total_ms": 900.0}]);
        told["usage_metrics"] = json!([
            {"kind": "stt", "provider": "pocketsphinx", "seconds": 3.0},
            {"kind": "llm", "provider": "scripted", "tokens_in": 5},
            {"kind": "tts", "provider": voice, "characters": 20},
        ]);
        assert_eq!(self.bridge.deliver(&told).await.status(), StatusCode::OK);
    }

    async fn add_up(&self) {
        let app = &self.bridge.app;
        while app.digester.round().await.unwrap() > 0 {}
        while app.counting.round().await.unwrap() > 0 {}
        app.latest.round().await.unwrap();
    }

    async fn set(&self, routing: Value) -> reqwest::Response {
        // Tokens live an hour.
        let operator = self.bridge.token(Role::SuperAdmin).await;
        self.bridge.send(Method::PUT, "/api/v1/settings/routing", &operator, routing).await
    }

    async fn latencies(&self) -> Value {
        let token = self.bridge.token(Role::Agent).await;
        let asked = self.bridge.get("/api/v1/analytics/vendors").bearer_auth(token);
        json(asked.send().await.unwrap(), StatusCode::OK).await
    }

    async fn config(&self, session: &str) -> Value {
        json(self.bridge.fetch_config(&self.bot, &[("session_id", session)]).await, StatusCode::OK).await
    }
}

fn row<'a>(latencies: &'a Value, kind: &str, provider: &str) -> &'a Value {
    let rows = latencies["items"].as_array().unwrap();
    rows.iter().find(|row| row["kind"] == kind && row["provider"] == provider).unwrap()
}

#[tokio::test]
async fn the_vendors_that_fit_the_budget_come_first_and_the_record_says_why() {
    let stage = Stage::start().await;
    assert_eq!(stage.latencies().await, json!({"as_of": null, "items": [], "lately": []}));
    for n in 0..3 {
        stage.called(&format!("slow_{n}"), "elevenlabs", 700.0 + f64::from(n)).await;
        stage.called(&format!("fast_{n}"), "flite", 20.0).await;
    }
    stage.add_up().await;
    let known = stage.latencies().await;
    let slow = row(&known, "tts", "elevenlabs");
    assert_eq!(slow["samples"], 3);
    assert!((650.0..=800.0).contains(&slow["p50_ms"].as_f64().unwrap()), "{slow}");
    let unseen = json!({"kind": "stt", "provider": "deepgram", "p50_ms": null, "p95_ms": null, "samples": 0});
    assert_eq!(row(&known, "stt", "deepgram"), &unseen);

    let plain = stage.config("call_plain").await;
    assert_eq!((&plain["tts"]["provider"], plain.get("routing")), (&json!("elevenlabs"), None));

    for (routing, field) in [
        (json!({"budget_ms": 10}), "budget_ms"),
        (json!({"budget_ms": 500, "min_samples": 0}), "min_samples"),
        (json!({"budget_ms": 500, "candidates": []}), "candidates"),
    ] {
        assert_eq!(wrong_fields(stage.set(routing).await).await, [field]);
    }
    // Three answers are not enough to go by, if nothing else is said.
    let set = json(stage.set(json!({"budget_ms": 500})).await, StatusCode::OK).await;
    assert_eq!((&set["routing_budget_ms"], &set["routing_min_samples"]), (&json!(500), &json!(20)));
    let unsure = stage.config("call_unsure").await;
    assert_eq!(unsure["tts"]["provider"], "elevenlabs");
    assert_eq!(
        (&unsure["routing"]["why"], &unsure["routing"]["predicted_ms"]),
        (&json!("no_observations"), &Value::Null)
    );

    assert_eq!(stage.set(json!({"budget_ms": 500, "min_samples": 3})).await.status(), StatusCode::OK);
    let routed = stage.config("call_routed").await;
    let (tts, routing) = (&routed["tts"], &routed["routing"]);
    assert_eq!((&tts["provider"], &tts["voice"]), (&json!("flite"), &json!("kal")));
    assert_eq!(tts["fallbacks"][0]["provider"], "elevenlabs");
    assert_eq!((&routing["why"], &routing["overrun"]), (&json!("faster"), &json!(false)));
    assert_eq!(routing["picked"]["tts"], json!({"provider": "flite", "model": "", "place": 1}));
    assert!(routing["predicted_ms"].as_f64().unwrap() < 500.0, "{routing}");

    assert_eq!(stage.set(json!({"budget_ms": 60, "min_samples": 3})).await.status(), StatusCode::OK);
    let late = stage.config("call_late").await["routing"].clone();
    assert_eq!(
        (&late["why"], &late["overrun"], &late["budget_ms"]),
        (&json!("none_fits"), &json!(true), &json!(60))
    );

    // The worker sends it back.
    let mut told = result("call_routed", "bot");
    told["routing"] = routing.clone();
    assert_eq!(stage.bridge.deliver(&told).await.status(), StatusCode::OK);
    let record = stage.bridge.call("call_routed").await;
    assert_eq!(&record["routing"], routing, "{record}");

    // Made anew when a quarter of an hour is over, of the last day.
    let as_of = stage.latencies().await["as_of"].clone();
    stage.bridge.clock.advance(SignedDuration::from_mins(14));
    stage.add_up().await;
    assert_eq!(stage.latencies().await["as_of"], as_of);
    stage.bridge.clock.advance(SignedDuration::from_hours(26));
    stage.add_up().await;
    let gone = stage.latencies().await;
    assert_eq!(row(&gone, "tts", "elevenlabs")["p50_ms"], Value::Null, "{gone}");
    assert_eq!(stage.set(json!({"budget_ms": null})).await.status(), StatusCode::OK);
    assert_eq!(stage.config("call_again").await.get("routing"), None);

    // What routing goes by is no reason to refuse a call: not what was measured, nor a key that has nothing to do with it.
    assert_eq!(stage.set(json!({"budget_ms": 500})).await.status(), StatusCode::OK);
    stage.bridge.damage(&SETTINGS, stage.bridge.tenant().as_str(), "vendor_keys", json!(7)).await;
    stage.bridge.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(stage.config("call_keys").await["routing"]["budget_ms"], 500);
    stage.bridge.damage(&LATENCIES, stage.bridge.tenant().as_str(), "rows", json!(7)).await;
    stage.bridge.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(stage.config("call_damaged").await.get("routing"), None);
}
