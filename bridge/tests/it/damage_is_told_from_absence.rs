//! A store that is away for a moment is 503 and worth another try; a document that makes no sense is 500.

use reqwest::{Method, StatusCode};
use vox_bridge::auth::role::Role;
use vox_bridge::store::bots::BOTS;

use crate::harness::{TestBridge, json, refusal};

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
