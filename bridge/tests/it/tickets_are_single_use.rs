//! Tickets for the talk socket.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal};

async fn ticket(bridge: &TestBridge, bot: &str) -> String {
    let request = bridge.tools(Method::POST, "/api/v1/internal/talk-tickets").json(&json!({"bot_id": bot}));
    let body = json(request.send().await.unwrap(), StatusCode::CREATED).await;
    assert_eq!(body["path"], format!("/talk/{bot}"));
    body["ticket"].as_str().unwrap().to_owned()
}

async fn talk(bridge: &TestBridge, bot: &str, ticket: &str, session: &str) -> StatusCode {
    let query = [("transport", "talk"), ("ticket", ticket), ("session_id", session)];
    bridge.fetch_config(bot, &query).await.status()
}

#[tokio::test]
async fn a_ticket_opens_one_call_to_one_bot() {
    let bridge = TestBridge::start().await;
    let good = ticket(&bridge, "faq").await;
    assert_eq!(talk(&bridge, "survey", &good, "call_a").await, StatusCode::UNAUTHORIZED, "another bot");
    assert_eq!(talk(&bridge, "faq", &good, "call_a").await, StatusCode::OK);
    assert_eq!(talk(&bridge, "faq", &good, "call_a").await, StatusCode::OK, "the same call may ask again");
    assert_eq!(talk(&bridge, "faq", &good, "call_b").await, StatusCode::UNAUTHORIZED, "spent");
    assert_eq!(talk(&bridge, "faq", "made-up", "call_c").await, StatusCode::UNAUTHORIZED);
    let none = bridge.fetch_config("faq", &[("transport", "talk")]).await;
    assert_eq!(refusal(none, StatusCode::UNAUTHORIZED).await, "bad_ticket");
}

#[tokio::test]
async fn a_raced_ticket_opens_one_call() {
    let bridge = TestBridge::start().await;
    let good = ticket(&bridge, "faq").await;
    let sessions: Vec<String> = (0..12).map(|n| format!("call_race{n}")).collect();
    let tries = sessions.iter().map(|session| talk(&bridge, "faq", &good, session));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|s| **s == StatusCode::OK).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn a_ticket_expires_and_needs_the_right_tenant() {
    let bridge = TestBridge::start().await;
    let old = ticket(&bridge, "faq").await;
    bridge.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(talk(&bridge, "faq", &old, "call_late").await, StatusCode::UNAUTHORIZED);

    let path = "/api/v1/talk/tickets";
    let ask = |token: String| {
        bridge.request(Method::POST, path).bearer_auth(token).json(&json!({"bot_id": "faq"})).send()
    };
    let own = json(ask(bridge.token(Role::Agent).await).await.unwrap(), StatusCode::CREATED).await;
    assert_eq!(talk(&bridge, "faq", own["ticket"].as_str().unwrap(), "call_own").await, StatusCode::OK);
    let other = bridge.insert_tenant("other").await;
    let stranger = ask(bridge.token_of(&other, Role::Agent).await).await.unwrap();
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
}
