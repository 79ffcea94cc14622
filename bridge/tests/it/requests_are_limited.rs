//! How much people and keys of the API may ask.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::billing::limits::Limits;
use vox_bridge::billing::plans::NewPlan;
use vox_bridge::billing::requests::Requests;
use vox_bridge::config::Config;
use vox_bridge::coordination::{Entered, Gate, Place};

use crate::harness::keys::TestKey;
use crate::harness::servers::within_the_process;
use crate::harness::{TestBridge, json, refusal};

const ME: &str = "/api/v1/auth/me";
const BOTS: &str = "/api/v1/bots";

/// Counted within the process: a Redis that is late once is not waited for, and its count is then another.
fn few(config: &mut Config) {
    within_the_process(config);
    config.limits.requests_per_minute = 5;
    config.limits.requests_at_once = 2;
    config.limits.tenant_requests_per_minute = 7;
    config.limits.tenant_requests_at_once = 3;
}

fn number(headers: &HeaderMap, name: &str) -> i64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_person_may_ask_so_often_and_hears_how_often() {
    let bridge = TestBridge::start_with(few).await;
    let (token, other) = (bridge.token(Role::Admin).await, bridge.token(Role::Admin).await);
    for left in (0..5).rev() {
        // A refusal for another reason tells it too.
        let path = if left == 2 { "/api/v1/bots/none" } else { ME };
        let answer = bridge.get(path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(number(answer.headers(), "x-ratelimit-limit"), 5, "{path}: {}", answer.status());
        assert_eq!(number(answer.headers(), "x-ratelimit-remaining"), left);
        assert_eq!(number(answer.headers(), "x-ratelimit-reset"), 60);
    }
    bridge.clock.advance(SignedDuration::from_secs(20));
    let refused = bridge.get(ME).bearer_auth(&token).send().await.unwrap();
    assert_eq!(number(refused.headers(), "x-ratelimit-remaining"), 0);
    let wait = number(refused.headers(), RETRY_AFTER.as_str());
    assert_eq!(wait, 40);
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "rate_limited");
    let others = bridge.get(ME).bearer_auth(&other).send().await.unwrap();
    assert_eq!(others.status(), StatusCode::OK, "each person has a count of their own");
    bridge.clock.advance(SignedDuration::from_secs(wait));
    assert_eq!(bridge.get(ME).bearer_auth(&token).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_keys_of_a_tenant_have_a_limit_together_and_hold_up_no_person() {
    let bridge = TestBridge::start_with(few).await;
    let (one, two) = (bridge.key(&[Scope::BotsRead]).await, bridge.key(&[Scope::BotsRead]).await);
    let ask = |key: &TestKey| key.sign(bridge.get(BOTS)).send();
    for _ in 0..4 {
        assert_eq!(ask(&one).await.unwrap().status(), StatusCode::OK);
    }
    for left in (0..3).rev() {
        let answer = ask(&two).await.unwrap();
        assert_eq!(number(answer.headers(), "x-ratelimit-limit"), 7, "the one with the least left is told");
        assert_eq!(number(answer.headers(), "x-ratelimit-remaining"), left);
    }
    for key in [&one, &two] {
        let refused = ask(key).await.unwrap();
        assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "rate_limited");
    }
    let token = bridge.token(Role::Admin).await;
    assert_eq!(bridge.get(BOTS).bearer_auth(&token).send().await.unwrap().status(), StatusCode::OK);
}

/// Give a tenant a plan that says this of requests, by somebody of another tenant.
async fn with_plan(bridge: &TestBridge, operator: &str, tenant: &str, requests: Value) {
    let plan = json!({"name": "Small", "requests": requests});
    let shown =
        json(bridge.send(Method::PUT, "/api/v1/plans/small", operator, plan).await, StatusCode::OK).await;
    assert_eq!(shown["requests"], requests);
    let path = format!("/api/v1/admin/tenants/{tenant}/plan");
    let given = bridge.send(Method::PUT, &path, operator, json!({"plan": "small"})).await;
    assert_eq!(given.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_plan_says_what_the_people_and_keys_of_its_tenant_may_ask() {
    let bridge = TestBridge::start_with(few).await;
    let others = bridge.insert_tenant("other").await;
    let (operator, other) =
        (bridge.token_of(&others, Role::SuperAdmin).await, bridge.token_of(&others, Role::Admin).await);
    let requests = json!({"per_minute": 3, "tenant_per_minute": 4});
    with_plan(&bridge, &operator, "default", requests).await;

    let person = bridge.token(Role::Admin).await;
    let ask = |token: &str| bridge.get(ME).bearer_auth(token).send();
    for left in (0..3).rev() {
        let answer = ask(&person).await.unwrap();
        assert_eq!((number(answer.headers(), "x-ratelimit-limit"), answer.status()), (3, StatusCode::OK));
        assert_eq!(number(answer.headers(), "x-ratelimit-remaining"), left);
    }
    let refused = ask(&person).await.unwrap();
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "rate_limited");
    let (one, two) = (bridge.key(&[Scope::BotsRead]).await, bridge.key(&[Scope::BotsRead]).await);
    let with = |key: &TestKey| key.sign(bridge.get(BOTS)).send();
    for _ in 0..3 {
        assert_eq!(with(&one).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(with(&one).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS, "its own limit");
    let last = with(&two).await.unwrap();
    assert_eq!((number(last.headers(), "x-ratelimit-limit"), last.status()), (4, StatusCode::OK));
    let refused = with(&two).await.unwrap();
    assert_eq!(number(refused.headers(), "x-ratelimit-limit"), 4, "the limit of the tenant");
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "rate_limited");
    let answer = ask(&other).await.unwrap();
    assert_eq!(number(answer.headers(), "x-ratelimit-limit"), 5, "a tenant without a plan has what is set");

    // What the plan leaves out is as the bridge is set, and a change counts with the next request.
    bridge.app.plans.put(&"small".parse().unwrap(), None, larger()).await.unwrap();
    for (token, limit) in [(&person, 5), (&other, 5)] {
        assert_eq!(number(ask(token).await.unwrap().headers(), "x-ratelimit-limit"), limit);
    }
    let answer = with(&one).await.unwrap();
    assert_eq!((number(answer.headers(), "x-ratelimit-remaining"), answer.status()), (1, StatusCode::OK));
}

/// Nothing of people; many requests of all keys.
fn larger() -> NewPlan {
    let requests = Requests { tenant_per_minute: Some(900), ..Requests::default() };
    NewPlan { name: "Larger".into(), limits: Limits::default(), requests }
}

#[tokio::test]
async fn a_plan_says_how_many_wait_at_once() {
    let bridge = TestBridge::start().await;
    let others = bridge.insert_tenant("other").await;
    let operator = bridge.token_of(&others, Role::SuperAdmin).await;
    with_plan(&bridge, &operator, "default", json!({"at_once": 1, "tenant_at_once": 2})).await;
    let key = bridge.key(&[Scope::BotsRead]).await;
    let ask = || key.sign(bridge.get(BOTS)).send();
    let gate = |name: String, most| Gate { name, most, ttl: Duration::from_secs(60) };
    let own = gate(format!("api:{}", key.id), 1);
    let waiting = inside(&bridge, &own).await;
    let refused = ask().await.unwrap();
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_at_once");
    drop(waiting);
    assert_eq!(answered(ask).await.status(), StatusCode::OK);
    let all = gate("api:tenant:default".into(), 2);
    let _waiting = [inside(&bridge, &all).await, inside(&bridge, &all).await];
    let refused = ask().await.unwrap();
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_at_once");
}

/// The answer of a request that may come a moment before the place of the one before is given back.
async fn answered<F: Future<Output = reqwest::Result<Response>>>(ask: impl Fn() -> F) -> Response {
    loop {
        let answer = ask().await.unwrap();
        if answer.headers().get(RETRY_AFTER).is_none_or(|wait| wait != "1") {
            return answer;
        }
    }
}

#[tokio::test]
async fn so_many_wait_at_once_and_places_are_given_back() {
    let bridge = TestBridge::start_with(|config| config.limits.requests_at_once = 2).await;
    let user = bridge.insert_user(&bridge.tenant(), "p@test", Role::Admin).await;
    let token = bridge.app.tokens.issue(&user, bridge.now()).unwrap();
    let id = bridge.app.stores.all_users().find_by_email("p@test").await.unwrap().unwrap().id;
    let ask = || bridge.get(ME).bearer_auth(&token).send();
    for _ in 0..10 {
        assert_eq!(ask().await.unwrap().status(), StatusCode::OK, "a place is given back with the answer");
    }
    // Two requests that are not answered yet. A place is given back in a task of its own, so it may take a moment.
    let gate = Gate { name: format!("api:{id}"), most: 2, ttl: Duration::from_secs(60) };
    let one = inside(&bridge, &gate).await;
    while ask().await.unwrap().status() != StatusCode::OK {}
    let _two = inside(&bridge, &gate).await;
    let refused = ask().await.unwrap();
    assert_eq!(number(refused.headers(), RETRY_AFTER.as_str()), 1);
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_at_once");
    drop(one);
    while ask().await.unwrap().status() != StatusCode::OK {}
}

async fn inside(bridge: &TestBridge, gate: &Gate) -> Place {
    loop {
        if let Entered::Inside(place) = bridge.app.request_limits.limiter.enter(gate.clone()).await {
            return place;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_that_is_refused_for_its_number_changes_nothing_and_is_not_audited() {
    let bridge = TestBridge::start_with(|config| config.limits.requests_per_minute = 1).await;
    let (token, reader) = (bridge.token(Role::Admin).await, bridge.token(Role::Admin).await);
    let make = || bridge.request(Method::POST, BOTS).bearer_auth(&token).body("{}").send();
    assert_ne!(make().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..3 {
        assert_eq!(make().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    }
    let log = bridge.get("/api/v1/audit").bearer_auth(&reader).send().await.unwrap();
    let log = crate::harness::json(log, StatusCode::OK).await;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(2), "one begin and one end: {log}");
}

#[tokio::test]
async fn workers_tools_and_strangers_have_no_limit_of_this_kind() {
    let bridge = TestBridge::start_with(few).await;
    for _ in 0..12 {
        let tool = bridge.tools(Method::GET, "/api/v1/internal/calls").send().await.unwrap();
        assert_eq!(tool.status(), StatusCode::OK);
        assert!(!tool.headers().contains_key("x-ratelimit-limit"));
        assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::OK);
        assert_eq!(bridge.get(ME).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
}
