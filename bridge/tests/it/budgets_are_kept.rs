//! A bot and a tenant spend no more in a day than they may, whoever asks and through whichever bridge, and what refuses a call does
//! it before the phone rings.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::billing::budget::{Budget, BudgetError, Purse};
use vox_shared::ids::BotId;

use crate::harness::races::{By, rounds};
use crate::harness::{TestBridge, json, result, wrong_fields};

/// Tasks of a round, half of them at each bridge.
const TASKS: u64 = 20;

struct Stage {
    bridge: TestBridge,
    admin: String,
    bot: String,
}

impl Stage {
    /// A bot with these settings; a second of its recogniser costs 100 millionths.
    async fn with(settings: Value) -> Self {
        let bridge = TestBridge::start().await;
        let admin = bridge.token(Role::Admin).await;
        let mut body = json!({"name": "a", "system_prompt": "p"});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let made = bridge.send(Method::POST, "/api/v1/bots", &admin, body).await;
        let bot = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        let price =
            json!({"service": "stt", "vendor": "deepgram", "unit": "seconds", "money": 100, "per": 1});
        let operator = bridge.token(Role::SuperAdmin).await;
        let added = bridge.send(Method::POST, "/api/v1/prices", &operator, price).await;
        assert_eq!(added.status(), StatusCode::CREATED);
        Self { bridge, admin, bot }
    }

    async fn tenant(&self, budget: Value) -> Response {
        self.bridge.send(Method::PATCH, "/api/v1/tenant", &self.admin, json!({"budget": budget})).await
    }

    async fn asks(&self, session: &str) -> Response {
        self.bridge.fetch_config(&self.bot, &[("session_id", session)]).await
    }

    async fn begins(&self, session: &str) -> StatusCode {
        self.asks(session).await.status()
    }

    async fn dials(&self) -> Response {
        let body = json!({"bot_id": self.bot, "to_number": "+14155550100"});
        self.bridge.send(Method::POST, "/api/v1/sip/dialout", &self.admin, body).await
    }

    /// The call ends after it cost so much.
    async fn ends(&self, session: &str, micros: u32, disconnected_by: &str) {
        let mut ended = result(session, disconnected_by);
        (ended["bot_id"], ended["worker_id"]) = (json!(self.bot), json!("wrk_1"));
        let seconds = f64::from(micros) / 100.0;
        ended["usage_metrics"] =
            json!([{"provider": "deepgram", "model": "m", "kind": "stt", "seconds": seconds}]);
        assert_eq!(self.bridge.deliver(&ended).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_call_that_the_day_cannot_pay_for_is_refused_and_what_it_did_not_need_is_given_back() {
    let stage =
        Stage::with(json!({"limits": {"max_cost_micros": 400}, "max_cost_micros_per_day": 1_000})).await;
    let handed = json(stage.asks("call_1").await, StatusCode::OK).await;
    assert_eq!(handed["limits"]["max_cost_micros"], 400);
    assert_eq!(stage.begins("call_2").await, StatusCode::OK);
    for refused in [stage.asks("call_3").await, stage.dials().await] {
        let body = json(refused, StatusCode::PAYMENT_REQUIRED).await;
        let error = &body["error"];
        assert_eq!((&error["code"], &error["resource"]), (&json!("budget_exceeded"), &json!("bot_budget")));
        assert_eq!((&error["used"], &error["limit"]), (&json!(800), &json!(1_000)), "{body}");
        assert_eq!(error["resets_at"], "2026-11-21T00:00:00Z");
    }
    assert_eq!(stage.begins("call_2").await, StatusCode::OK, "a call that asks again was let in before");

    // 100 of its 400; then the guess that it was lost gives way to what it cost, more than was set aside.
    stage.ends("call_1", 100, "bot").await;
    assert_eq!(stage.begins("call_3").await, StatusCode::OK);
    stage.ends("call_1", 100, "bot").await;
    assert_eq!(stage.begins("call_4").await, StatusCode::PAYMENT_REQUIRED, "what comes twice counts once");
    stage.ends("call_2", 0, "worker_lost").await;
    assert_eq!(stage.begins("call_4").await, StatusCode::OK);
    stage.ends("call_2", 450, "customer").await;
    let over = json(stage.asks("call_5").await, StatusCode::PAYMENT_REQUIRED).await;
    assert_eq!(over["error"]["used"], 100 + 450 + 400 + 400);

    stage.bridge.clock.advance(SignedDuration::from_hours(14));
    assert_eq!(stage.begins("call_5").await, StatusCode::OK, "another day");
}

#[tokio::test]
async fn a_tenants_budget_counts_for_all_its_bots_and_the_lower_one_for_a_call() {
    let stage = Stage::with(json!({"limits": {"max_cost_micros": 500}})).await;
    let set = json!({"max_cost_micros_per_call": 300, "max_cost_micros_per_day": 700});
    assert_eq!(json(stage.tenant(set.clone()).await, StatusCode::OK).await["budget"], set);
    let handed = json(stage.asks("call_1").await, StatusCode::OK).await;
    assert_eq!(handed["limits"]["max_cost_micros"], 300);
    let other = stage.bridge.fetch_config("faq", &[("session_id", "call_2")]).await;
    assert_eq!(other.status(), StatusCode::OK);
    let refused = json(stage.asks("call_3").await, StatusCode::PAYMENT_REQUIRED).await;
    assert_eq!(
        (&refused["error"]["resource"], &refused["error"]["used"]),
        (&json!("tenant_budget"), &json!(600))
    );
    assert_eq!(json(stage.tenant(json!({})).await, StatusCode::OK).await["budget"], json!({}));
    assert_eq!(stage.begins("call_3").await, StatusCode::OK);

    for (budget, field) in [
        (json!({"max_cost_micros_per_day": 0}), "budget.max_cost_micros_per_day"),
        (
            json!({"max_cost_micros_per_call": 2, "max_cost_micros_per_day": 1}),
            "budget.max_cost_micros_per_day",
        ),
        (json!({"max_cost_micros_per_day": -1}), "budget.max_cost_micros_per_day"),
        (json!({"per_day": 1}), "budget.per_day"),
    ] {
        assert_eq!(wrong_fields(stage.tenant(budget).await).await, [field]);
    }
    let path = format!("/api/v1/bots/{}", stage.bot);
    let wrong = json!({"max_cost_micros_per_day": 499});
    let wrong = stage.bridge.send(Method::PATCH, &path, &stage.admin, wrong).await;
    assert_eq!(wrong_fields(wrong).await, ["max_cost_micros_per_day"]);
}

#[tokio::test]
async fn tasks_at_two_bridges_set_aside_what_is_left_and_nothing_more() {
    let bridge = TestBridge::start().await;
    let purses: [Purse; 2] =
        [bridge.app.configs.purse.clone(), bridge.second_app().await.configs.purse.clone()];
    let tenant = bridge.tenant();
    for round in 0..rounds(By::Steps, 44, 22) as u64 {
        let bot: BotId = format!("bot_{round}").parse().unwrap();
        let fit = round % (TASKS + 2);
        // Nothing fits when the last one lacks a millionth.
        let budget =
            Budget { call: Some(7), bot_day: Some(fit * 7 + 6), tenant_day: Some(1_000_000_000_000) };
        let claims = (0..TASKS).map(|n| {
            let (purse, bot) = (&purses[usize::from(n.is_multiple_of(2))], &bot);
            let whose = (&tenant, bot);
            async move {
                match purse.set_aside(whose, &budget).await {
                    Ok(aside) => aside,
                    Err(BudgetError::Over(over)) => {
                        assert!(over.is_bot && over.committed as u64 == fit * 7, "{over}");
                        None
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let aside: Vec<_> = join_all(claims).await.into_iter().flatten().collect();
        assert_eq!(aside.len() as u64, fit.min(TASKS), "round {round}");
        for aside in aside {
            purses[0].give_back((&tenant, &bot), aside).await;
        }
        let day = "2026-11-20";
        let bots = bridge.app.stores.budgets(&tenant);
        let left = bots.committed(&vox_bridge::store::budgets::Scope::Bot(bot), day).await.unwrap();
        let of_tenant = bots.committed(&vox_bridge::store::budgets::Scope::Tenant, day).await.unwrap();
        assert_eq!((left, of_tenant), (0, 0), "round {round}");
    }
}
