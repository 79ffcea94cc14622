//! Pages of origins that the operator names may read what the API answers, and no other page.

use reqwest::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use reqwest::{Method, Response, StatusCode};
use vox_bridge::auth::role::Role;

use crate::harness::TestBridge;

const DESK: &str = "https://desk.example";
const BOTS: &str = "/api/v1/bots";

/// What a browser asks before it sends anything else.
async fn may_ask(bridge: &TestBridge, origin: &str) -> Response {
    let asked = bridge.request(Method::OPTIONS, BOTS).header(ORIGIN, origin);
    let asked = asked.header(ACCESS_CONTROL_REQUEST_METHOD, "PATCH");
    asked.header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type").send().await.unwrap()
}

#[tokio::test]
async fn pages_of_named_origins_may_ask_and_read() {
    let bridge = TestBridge::start_with(|config| config.server.cors_origins = vec![DESK.into()]).await;
    let told = may_ask(&bridge, DESK).await;
    assert!(told.status().is_success(), "{}", told.status());
    assert_eq!(told.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], DESK);
    assert!(told.headers()[ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("PATCH"));
    let allowed = told.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().to_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{allowed}");
    assert!(told.headers().contains_key("x-request-id"));
    let token = bridge.token(Role::Admin).await;
    for (token, status) in [(token.as_str(), StatusCode::OK), ("wrong", StatusCode::UNAUTHORIZED)] {
        let answer = bridge.get(BOTS).bearer_auth(token).header(ORIGIN, DESK).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], DESK, "a page reads a refusal too");
        assert!(answer.headers().contains_key(ACCESS_CONTROL_EXPOSE_HEADERS));
    }
    let other = "https://desk.example.evil";
    assert!(!may_ask(&bridge, other).await.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let answer = bridge.get(BOTS).bearer_auth(&token).header(ORIGIN, other).send().await.unwrap();
    assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    // Whoever is no page of another origin is answered as ever.
    assert_eq!(bridge.get(BOTS).bearer_auth(&token).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn without_the_setting_no_page_of_another_origin_reads_anything() {
    let bridge = TestBridge::start().await;
    let told = may_ask(&bridge, DESK).await;
    assert_eq!(told.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!told.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}
