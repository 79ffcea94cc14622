//! Plans limit what a tenant uses in a month: the last conversation is given once, whoever asks and through whichever bridge.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::billing::gate::{Claim, Gate, GateError};
use vox_bridge::billing::limits::{Limits, Resource};
use vox_bridge::billing::requests::Requests;
use vox_bridge::store::engine::Cursor;
use vox_bridge::store::tenants::{Allowance, TenantStatus};
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::harness::races::{By, rounds};
use crate::harness::{TestBridge, json, refusal, wrong_fields};

impl TestBridge {
    /// Give the default tenant a plan with these limits, over the API.
    async fn limited_to(&self, limits: Value) {
        let token = self.token(Role::SuperAdmin).await;
        let plan = self.request(Method::PUT, "/api/v1/plans/small").bearer_auth(&token);
        json(plan.json(&json!({"name": "Small", "limits": limits})).send().await.unwrap(), StatusCode::OK)
            .await;
        let given = self.request(Method::PUT, "/api/v1/admin/tenants/default/plan").bearer_auth(&token);
        let given = given.json(&json!({"plan": "small"})).send().await.unwrap();
        assert_eq!(given.status(), StatusCode::NO_CONTENT);
    }

    async fn begins(&self, session: &str) -> StatusCode {
        self.fetch_config("faq", &[("session_id", session)]).await.status()
    }

    async fn quota(&self, resource: &str) -> Value {
        // Of another tenant: the people of a suspended one do not get in.
        let operators = self.insert_tenant(TenantId::generate().as_str()).await;
        let token = self.token_of(&operators, Role::SuperAdmin).await;
        let path = format!("/v1/admin/tenants/default/quota/{resource}");
        json(self.get(&path).bearer_auth(&token).send().await.unwrap(), StatusCode::OK).await
    }
}

#[tokio::test]
async fn a_spent_plan_refuses_the_next_call_and_says_when_it_begins_anew() {
    let bridge = TestBridge::start().await;
    assert_eq!(bridge.begins("call_0").await, StatusCode::OK, "without a plan there is no limit");
    bridge.limited_to(json!({"conversations": 2})).await;
    for session in ["call_1", "call_2"] {
        assert_eq!(bridge.begins(session).await, StatusCode::OK);
    }
    let refused = bridge.fetch_config("faq", &[("session_id", "call_3")]).await;
    let body = json(refused, StatusCode::PAYMENT_REQUIRED).await;
    let error = &body["error"];
    assert_eq!((&error["code"], &error["resource"]), (&json!("quota_exceeded"), &json!("conversations")));
    assert_eq!((&error["used"], &error["limit"]), (&json!(2), &json!(2)), "{body}");
    assert_eq!(error["resets_at"], "2026-12-01T00:00:00Z");
    for field in ["resource", "used", "limit", "resets_at"] {
        assert_eq!(body[field], error[field], "where the contract has it");
    }
    let left = bridge.quota("conversations").await;
    assert_eq!(
        (&left["used"], &left["remaining"], &left["period"]),
        (&json!(2), &json!(0), &json!("2026-11"))
    );
    assert_eq!(bridge.quota("money").await["remaining"], Value::Null, "not limited");

    // The last instant of the month, and the first one of the next.
    let to_the_end: jiff::Timestamp = "2026-11-30T23:59:59.999999Z".parse().unwrap();
    bridge.clock.advance(to_the_end.duration_since(bridge.now()));
    assert_eq!(bridge.begins("call_3").await, StatusCode::PAYMENT_REQUIRED);
    bridge.clock.advance(SignedDuration::from_micros(1));
    assert_eq!(bridge.begins("call_3").await, StatusCode::OK);
    assert_eq!(bridge.quota("conversations").await["remaining"], 1);
}

#[tokio::test]
async fn a_call_that_asks_twice_takes_one_conversation_and_is_let_through_when_nothing_is_left() {
    let bridge = TestBridge::start().await;
    bridge.limited_to(json!({"conversations": 2})).await;
    for session in ["call_1", "call_1", "call_1", "call_2", "call_2", "call_1"] {
        assert_eq!(bridge.begins(session).await, StatusCode::OK, "{session}");
    }
    assert_eq!(bridge.quota("conversations").await["used"], 2);
    assert_eq!(bridge.begins("call_3").await, StatusCode::PAYMENT_REQUIRED);
    // A session of another bot is no repeat, and gives back what it claimed.
    bridge.limited_to(json!({"conversations": 3})).await;
    let other = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let taken = bridge.fetch_config(other.as_str(), &[("session_id", "call_1")]).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    assert_eq!(bridge.quota("conversations").await["used"], 2);
}

#[tokio::test]
async fn a_changed_plan_and_a_suspension_count_at_once() {
    let bridge = TestBridge::start().await;
    bridge.limited_to(json!({"conversations": 1})).await;
    assert_eq!(bridge.begins("call_1").await, StatusCode::OK);
    assert_eq!(bridge.begins("call_2").await, StatusCode::PAYMENT_REQUIRED);
    bridge.limited_to(json!({"conversations": 5, "tokens": 10})).await;
    assert_eq!(bridge.begins("call_2").await, StatusCode::OK);
    bridge.limited_to(json!({"tokens": 0})).await;
    let refused = bridge.fetch_config("faq", &[("session_id", "call_3")]).await;
    assert_eq!(json(refused, StatusCode::PAYMENT_REQUIRED).await["error"]["resource"], "tokens");
    let tenants = bridge.app.stores.tenants();
    tenants.set_status(&bridge.tenant(), TenantStatus::Suspended).await.unwrap();
    for resource in Resource::ALL {
        assert_eq!(bridge.quota(resource.as_str()).await["remaining"], 0, "{resource:?}");
    }
    tenants.set_status(&bridge.tenant(), TenantStatus::Active).await.unwrap();
    let token = bridge.token(Role::SuperAdmin).await;
    let deleted = bridge.request(Method::DELETE, "/api/v1/plans/small").bearer_auth(&token).send().await;
    assert_eq!(refusal(deleted.unwrap(), StatusCode::CONFLICT).await, "plan_in_use");
    let none = bridge.request(Method::PUT, "/api/v1/admin/tenants/default/plan").bearer_auth(&token);
    let none = none.json(&json!({"plan": null})).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::NO_CONTENT);
    assert_eq!(bridge.begins("call_3").await, StatusCode::OK);
    let deleted = bridge.request(Method::DELETE, "/api/v1/plans/small").bearer_auth(&token).send().await;
    assert_eq!(deleted.unwrap().status(), StatusCode::NO_CONTENT);
}

/// A bridge that was killed in a change left the others on the old limits until the next one.
#[tokio::test]
async fn a_plan_is_brought_to_those_whom_a_broken_change_left_out() {
    let bridge = TestBridge::start().await;
    bridge.limited_to(json!({"conversations": 1})).await;
    let (stores, id) = (&bridge.app.stores, "small".parse().unwrap());
    assert_eq!(bridge.app.plans.bring_all().await, Ok(0), "nothing is left");
    let mut plan = stores.plans().get_plan(&id).await.unwrap();
    plan.value.limits.conversations = Some(2);
    stores.plans().replace_plan(plan).await.unwrap();
    for (session, status) in [("call_1", StatusCode::OK), ("call_2", StatusCode::PAYMENT_REQUIRED)] {
        assert_eq!(bridge.begins(session).await, status);
    }
    assert_eq!(bridge.app.plans.bring_all().await, Ok(1));
    assert_eq!(bridge.begins("call_2").await, StatusCode::OK);
}

#[tokio::test]
async fn a_plan_given_to_another_tenant_stands_in_its_audit_log() {
    let bridge = TestBridge::start().await;
    bridge.limited_to(json!({"conversations": 1})).await;
    let other = bridge.insert_tenant("other").await;
    let (root, path) = (bridge.token(Role::SuperAdmin).await, "/api/v1/admin/tenants/other/plan");
    let given = bridge.send(Method::PUT, path, &root, json!({"plan": "small"})).await;
    assert_eq!(given.status(), StatusCode::NO_CONTENT);
    let admin = bridge.token_of(&other, Role::Admin).await;
    let log =
        json(bridge.get("/api/v1/audit").bearer_auth(&admin).send().await.unwrap(), StatusCode::OK).await;
    let kinds: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, [json!("end"), json!("begin")], "{log}");
    let nobody = bridge.send(Method::PUT, "/api/v1/admin/tenants/nobody/plan", &root, json!({"plan": null}));
    assert_eq!(nobody.await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn limits_that_make_no_sense_are_named() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let put =
        |body: Value| bridge.request(Method::PUT, "/api/v1/plans/p").bearer_auth(&token).json(&body).send();
    for (limits, field) in [
        (json!({"minutes": -1}), "limits.minutes"),
        (json!({"money": i64::MAX}), "limits.money"),
        (json!({"tokens": 1.5}), "limits.tokens"),
        (json!({"tokens": 1e30}), "limits.tokens"),
        (json!({"characters": "7"}), "limits.characters"),
        (json!({"calls": 1}), "limits.calls"),
    ] {
        let wrong = wrong_fields(put(json!({"name": "P", "limits": limits})).await.unwrap()).await;
        assert_eq!(wrong, [field]);
    }
    assert_eq!(wrong_fields(put(json!({"name": ""})).await.unwrap()).await, ["name"]);
    for (requests, field) in [
        (json!({"per_minute": 0}), "requests.per_minute"),
        (json!({"at_once": -1}), "requests.at_once"),
        (json!({"tenant_per_minute": 1_000_001}), "requests.tenant_per_minute"),
        (json!({"tenant_at_once": "many"}), "requests.tenant_at_once"),
        (json!({"a_day": 1}), "requests.a_day"),
    ] {
        let wrong = wrong_fields(put(json!({"name": "P", "requests": requests})).await.unwrap()).await;
        assert_eq!(wrong, [field]);
    }
    let plan = |plan: Value| {
        let asked = bridge.request(Method::PUT, "/api/v1/admin/tenants/default/plan").bearer_auth(&token);
        asked.json(&json!({"plan": plan})).send()
    };
    assert_eq!(wrong_fields(plan(json!("nope")).await.unwrap()).await, ["plan"]);
    assert_eq!(wrong_fields(plan(json!("../x")).await.unwrap()).await, ["plan"]);
    let all = json!({"conversations": 9_000_000_000_000_000_i64, "minutes": 9_000_000_000_000_000_i64});
    bridge.limited_to(all).await;
    assert_eq!(bridge.begins("call_1").await, StatusCode::OK, "the largest limits overflow nothing");
    let admin = bridge.token(Role::Admin).await;
    bridge.insert_tenant("other").await;
    let others = bridge.get("/v1/admin/tenants/other/quota/minutes");
    assert_eq!(others.bearer_auth(&admin).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let others =
        bridge.get("/v1/admin/tenants/other/quota/minutes").bearer_auth(&token).send().await.unwrap();
    assert_eq!(others.status(), StatusCode::OK);
}

/// Tasks of a round, half of them at each bridge.
const TASKS: u64 = 20;

#[tokio::test]
async fn twenty_tasks_at_two_bridges_get_what_is_left_and_nothing_more() {
    let bridge = TestBridge::start().await;
    let gates: [Gate; 2] = [bridge.app.gate.clone(), bridge.second_app().await.gate.clone()];
    // Each round is a tenant of its own.
    for round in 0..rounds(By::Steps, 300, 100) as u64 {
        let tenant: TenantId = format!("ten_{round}").parse().unwrap();
        let left = round % (TASKS + 2);
        let most = i64::try_from(left).unwrap();
        let limits = Limits { conversations: Some(most), money: Some(1), ..Limits::default() };
        let allowance =
            Allowance { plan: "p".parse().unwrap(), plan_version: 1, limits, requests: Requests::default() };
        let given = AtomicU64::new(0);
        let task = |n: u64| {
            let (gate, tenant, allowance) = (&gates[usize::from(n.is_multiple_of(2))], &tenant, &allowance);
            let given = &given;
            async move {
                match gate.claim_conversation(tenant, Some(allowance)).await {
                    Ok(Claim::Of(_)) => drop(given.fetch_add(1, Ordering::Relaxed)),
                    Ok(Claim::Unlimited) => panic!("there is a plan"),
                    Err(GateError::Spent(spent)) => {
                        assert_eq!((spent.used, spent.limit), (most, most));
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        };
        join_all((0..TASKS).map(task)).await;
        assert_eq!(given.into_inner(), left.min(TASKS), "round {round}");
    }
}

#[tokio::test]
async fn calls_that_race_for_the_last_conversations_each_get_one_or_none() {
    let bridge = TestBridge::start().await;
    let rounds = rounds(By::Requests, 10, 10);
    for round in 0..rounds {
        bridge.limited_to(json!({"conversations": 7 * (round + 1)})).await;
        let sessions: Vec<String> = (0..20).map(|n| format!("call_{round}_{n}")).collect();
        let answers = join_all(sessions.iter().map(|session| bridge.begins(session))).await;
        let let_in = answers.iter().filter(|status| **status == StatusCode::OK).count();
        let refused = answers.iter().filter(|status| **status == StatusCode::PAYMENT_REQUIRED).count();
        assert_eq!((let_in, refused), (7, 13), "round {round}");
    }
    let (mut calls, mut after) = (0, None);
    loop {
        let page = bridge.app.stores.all_calls().list_calls(500, after).await.unwrap();
        calls += page.items.len();
        let Some(next) = page.next_cursor else { break };
        after = Some(Cursor::parse(&next).unwrap());
    }
    assert_eq!(calls, 7 * rounds, "who was refused has left no call");
    assert_eq!(bridge.quota("conversations").await["used"], 7 * rounds);
    bridge.clock.advance(SignedDuration::from_hours(24 * 20));
    assert_eq!(bridge.quota("conversations").await["used"], 0);
}
