//! A store that is away for a moment is 503 and worth another try; a document that makes no sense is 500.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use vox_bridge::auth::role::Role;
use vox_bridge::jobs::uncounted::Uncounted;
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::calls::CALLS;

use crate::harness::{TestBridge, json, refusal, result};

#[tokio::test]
async fn a_malformed_document_is_a_fault_and_no_reason_to_try_again() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Admin).await;
    bridge.damage(&BOTS, "faq", "settings", 7.into()).await;
    let answer = bridge.get("/api/v1/bots/faq").bearer_auth(&token).send().await.unwrap();
    assert!(!answer.headers().contains_key("retry-after"));
    assert_eq!(refusal(answer, StatusCode::INTERNAL_SERVER_ERROR).await, "internal");
    let fetched = bridge.fetch_config("faq", &[]).await;
    assert_eq!(fetched.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let other = bridge.get("/api/v1/bots/survey").bearer_auth(&token).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK, "others are not concerned");
    let listed =
        json(bridge.get("/api/v1/bots").bearer_auth(&token).send().await.unwrap(), StatusCode::OK).await;
    let ids: Vec<&str> =
        listed["items"].as_array().unwrap().iter().filter_map(|b| b["id"].as_str()).collect();
    assert!(ids.contains(&"survey") && !ids.contains(&"faq"), "a list goes on without it: {ids:?}");
    let all = bridge.tools(Method::GET, "/api/v1/internal/bots").send().await.unwrap();
    assert_eq!(all.status(), StatusCode::OK);
    assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::OK);
}

/// One damaged call kept the reports of all tenants waiting, and a hundred of them hid those behind them from whoever makes digests.
#[tokio::test]
async fn damaged_calls_are_waited_for_by_nobody_and_hide_no_others() {
    const DAMAGED: usize = 101;
    let bridge = TestBridge::start().await;
    for n in 0..DAMAGED {
        let id = format!("call_{n}");
        assert_eq!(bridge.deliver(&result(&id, "customer")).await.status(), StatusCode::OK);
        bridge.damage(&CALLS, &id, "duration_seconds", "long".into()).await;
    }
    let (stores, later) = (&bridge.app.stores, bridge.now() + SignedDuration::from_hours(1));
    let is_waited_for = async || {
        let uncounted = Uncounted::look(stores, later).await.unwrap();
        !uncounted.holds_nothing_of(&bridge.tenant(), "2026-11-19".parse().unwrap())
    };
    assert!(!is_waited_for().await, "nobody sees them");
    bridge.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(bridge.deliver(&result("call_sound", "customer")).await.status(), StatusCode::OK);
    assert!(is_waited_for().await);
    assert_eq!(bridge.app.digester.round().await.unwrap(), 1);
    assert!(
        stores
            .all_calls()
            .find_call(&"call_sound".parse().unwrap())
            .await
            .unwrap()
            .unwrap()
            .value
            .digest
            .is_none()
    );
    assert!(!is_waited_for().await);
}
