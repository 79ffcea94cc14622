//! A call in a few sentences by the bot's model, once, charged and within the tenant's plan, the day's budget and the region.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::analysis::summary::MAX_ASKED;
use vox_bridge::auth::role::Role;
use vox_bridge::store::Stamp;
use vox_bridge::store::calls::analysis::SummaryAsked;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;
use vox_testkit::vendor::openai::{Rule, Script, Server, Usage, When};

use crate::calls_are_judged_by_rule::said;
use crate::harness::{TestBridge, json, refusal};

const TALK: &[&str] = &["b: Hello, you owe 1500 rupees.", "c: I will pay five hundred tomorrow."];
const SUMMARY: &str = "The caller will pay 500 rupees tomorrow.";

struct Scene {
    bridge: TestBridge,
    model: Server,
    bot: BotId,
    token: String,
}

impl Scene {
    /// The model sums up the first time it is asked, and says something else ever after.
    async fn start() -> Self {
        let usage = Usage { prompt_tokens: 1_000, completion_tokens: 10, cached_tokens: 0 };
        let first = Rule {
            when: When { request: Some(1), ..When::default() },
            say: json!({"summary": SUMMARY}).to_string(),
            usage: Some(usage),
            ..Rule::default()
        };
        let script = Script { strict_fields: true, ..Script::saying("I cannot tell.") }.with_rule(first);
        let (bridge, model) = (TestBridge::start().await, Server::start(script).await);
        let mut settings = serde_json::to_value(BotSettings::default()).unwrap();
        settings["llm"] = json!({
            "provider": "openai", "model": "gpt-5.4-mini", "api_key": model.api_key(), "extra": {"base_url": model.url()}
        });
        let bot = bridge.insert_bot(&bridge.tenant(), serde_json::from_value(settings).unwrap()).await;
        let token = bridge.token(Role::SuperAdmin).await;
        let scene = Self { bridge, model, bot, token };
        for session in ["call_1", "call_2"] {
            scene.ends(session, TALK).await;
        }
        scene
    }

    async fn ends(&self, session: &str, lines: &[&str]) {
        let taken = self.bridge.deliver(&said(session, &self.bot, "customer", lines)).await;
        assert_eq!(taken.status(), StatusCode::OK);
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        self.bridge.send(method, path, &self.token, body).await
    }

    async fn sum_up(&self, session: &str) -> Response {
        self.send(Method::POST, &format!("/v1/conversations/{session}/summary"), Value::Null).await
    }

    async fn refused(&self, session: &str, status: StatusCode) -> String {
        refusal(self.sum_up(session).await, status).await
    }

    async fn read(&self, path: &str) -> Value {
        json(self.send(Method::GET, path, Value::Null).await, StatusCode::OK).await
    }

    /// Tokens of what was asked after the call, in and out, entry by entry.
    async fn charged(&self, session: &str) -> Vec<i64> {
        self.bridge.app.relay.move_all().await.unwrap();
        let page = self.read(&format!("/v1/conversations/{session}/events")).await;
        let asked = page["items"].as_array().unwrap().iter().filter(|entry| entry["entry"] == "analysis");
        let tokens = |entry: &Value, name: &str| entry["amounts"][name].as_i64().unwrap();
        asked.map(|entry| tokens(entry, "tokens_in") + tokens(entry, "tokens_out")).collect()
    }
}

#[tokio::test]
async fn a_call_is_summed_up_once_and_what_that_used_is_charged() {
    let scene = Scene::start().await;
    let made = json(scene.sum_up("call_1").await, StatusCode::OK).await;
    assert_eq!((&made["summary"], &made["model"]), (&json!(SUMMARY), &json!("openai gpt-5.4-mini")));
    assert_eq!(json(scene.sum_up("call_1").await, StatusCode::OK).await, made, "it is not asked again");
    assert_eq!(scene.charged("call_1").await, [1_010]);
    assert_eq!(scene.read("/api/v1/calls/call_1").await["summary_text"], SUMMARY);
    assert_eq!(scene.model.observed().exchanges.len(), 1);

    // What is no answer is charged too, and may be asked for again.
    assert_eq!(scene.refused("call_2", StatusCode::SERVICE_UNAVAILABLE).await, "model_unanswered");
    assert_eq!(scene.charged("call_2").await.len(), 1);
    scene.ends("call_3", &["b: Hello?"]).await;
    scene.ends("call_4", &[]).await;
    assert_eq!(scene.refused("call_4", StatusCode::CONFLICT).await, "nothing_to_ask");
    scene.bridge.fetch_config(scene.bot.as_str(), &[("session_id", "call_5")]).await;
    assert_eq!(scene.refused("call_5", StatusCode::CONFLICT).await, "call_running");
    assert_eq!(scene.sum_up("call_6").await.status(), StatusCode::NOT_FOUND);
    let other = scene.bridge.insert_tenant("other").await;
    let stranger = scene.bridge.token_of(&other, Role::SuperAdmin).await;
    let path = "/v1/conversations/call_1/summary";
    let strange = scene.bridge.send(Method::POST, path, &stranger, Value::Null).await;
    assert_eq!(strange.status(), StatusCode::NOT_FOUND);

    // Nothing leaves the region, and nothing is asked when the plan is spent; what there is is read all the same.
    let pinned = scene.send(Method::PATCH, "/api/v1/tenants/default", json!({"data_residency": "eu"})).await;
    assert_eq!(pinned.status(), StatusCode::OK);
    assert_eq!(scene.refused("call_3", StatusCode::CONFLICT).await, "nothing_to_ask");
    let free = scene.send(Method::PATCH, "/api/v1/tenants/default", json!({"data_residency": null})).await;
    assert_eq!(free.status(), StatusCode::OK);
    let plan = json!({"name": "small", "limits": {"tokens": 1}});
    assert!(scene.send(Method::PUT, "/api/v1/plans/small", plan).await.status().is_success());
    let given = scene.send(Method::PUT, "/api/v1/admin/tenants/default/plan", json!({"plan": "small"})).await;
    assert!(given.status().is_success());
    scene.bridge.app.roll_up.round().await.unwrap();
    assert_eq!(scene.refused("call_3", StatusCode::PAYMENT_REQUIRED).await, "quota_exceeded");
    assert_eq!(json(scene.sum_up("call_1").await, StatusCode::OK).await, made);
}

/// A click that was repeated asked three models each time.
#[tokio::test]
async fn a_summary_is_asked_for_by_one_at_a_time_and_not_for_ever() {
    let scene = Scene::start().await;
    let (one, other) = tokio::join!(scene.sum_up("call_1"), scene.sum_up("call_1"));
    assert_eq!(scene.model.observed().exchanges.len(), 1, "the model was asked by both");
    let mut told = Vec::new();
    for answer in [one, other] {
        match answer.status() {
            StatusCode::OK => told.push("made".to_owned()),
            _ => told.push(refusal(answer, StatusCode::CONFLICT).await),
        }
    }
    assert!(told.contains(&"made".to_owned()), "{told:?}");
    assert!(told.iter().all(|told| ["made", "summary_running"].contains(&told.as_str())), "{told:?}");

    // Whoever was killed meanwhile keeps it from the others for two minutes.
    let calls = scene.bridge.app.stores.calls(&scene.bridge.tenant());
    let mut call = calls.get_call(&"call_2".parse().unwrap()).await.unwrap();
    let until = Stamp(scene.bridge.now()) + SignedDuration::from_mins(2);
    let record = call.value.record();
    call.value.summary_asked = Some(SummaryAsked { record, times: 1, until: Some(until) });
    calls.replace_call(call).await.unwrap();
    assert_eq!(scene.refused("call_2", StatusCode::CONFLICT).await, "summary_running");
    scene.bridge.clock.advance(SignedDuration::from_mins(2));
    for _ in 1..MAX_ASKED {
        assert_eq!(scene.refused("call_2", StatusCode::SERVICE_UNAVAILABLE).await, "model_unanswered");
    }
    assert_eq!(scene.refused("call_2", StatusCode::CONFLICT).await, "too_many_runs");
    // Of another result it may be asked again.
    let mut call = calls.get_call(&"call_2".parse().unwrap()).await.unwrap();
    call.value.charges.get_or_insert_default().record += 1;
    calls.replace_call(call).await.unwrap();
    assert_eq!(scene.refused("call_2", StatusCode::SERVICE_UNAVAILABLE).await, "model_unanswered");
}

/// It passed the plan's gate alone once, and cost the day nothing.
#[tokio::test]
async fn a_summary_is_paid_for_out_of_the_days_budget() {
    let mut scene = Scene::start().await;
    // The first summary has 1,000 tokens in, and costs more than the day has.
    let price = json!({"service": "llm", "vendor": "openai", "unit": "tokens_in", "money": 100, "per": 1});
    assert_eq!(scene.send(Method::POST, "/api/v1/prices", price).await.status(), StatusCode::CREATED);
    let path = format!("/api/v1/bots/{}", scene.bot);
    let set = scene.send(Method::PATCH, &path, json!({"max_cost_micros_per_day": 60_000})).await;
    assert_eq!(set.status(), StatusCode::OK, "{}", set.text().await.unwrap());
    scene.ends("call_3", TALK).await;
    let made = json(scene.sum_up("call_3").await, StatusCode::OK).await;
    assert_eq!(made["summary"], SUMMARY);
    let refused = json(scene.sum_up("call_1").await, StatusCode::PAYMENT_REQUIRED).await;
    let error = &refused["error"];
    assert_eq!((&error["code"], &error["resource"]), (&json!("budget_exceeded"), &json!("bot_budget")));
    assert_eq!((&error["used"], &error["limit"]), (&json!(100_000), &json!(60_000)), "{refused}");
    assert_eq!(scene.model.observed().exchanges.len(), 1, "nobody was asked");
    assert_eq!(json(scene.sum_up("call_3").await, StatusCode::OK).await, made, "what there is is read");
    let began = scene.bridge.fetch_config(scene.bot.as_str(), &[("session_id", "call_4")]).await;
    assert_eq!(refusal(began, StatusCode::PAYMENT_REQUIRED).await, "budget_exceeded", "it counts for calls");
    scene.bridge.app.relay.move_all().await.unwrap();
    scene.bridge.app.roll_up.round().await.unwrap();
    let used = scene.read("/v1/usage?group_by=day").await;
    assert_eq!(used["total"]["money"], 100_000, "{used}");
    scene.bridge.clock.advance(SignedDuration::from_hours(14));
    scene.token = scene.bridge.token(Role::SuperAdmin).await;
    let asked = scene.sum_up("call_1").await;
    assert_eq!(
        refusal(asked, StatusCode::SERVICE_UNAVAILABLE).await,
        "model_unanswered",
        "it is asked again"
    );
}
