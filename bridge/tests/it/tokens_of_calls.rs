//! A call's token delivers for that call and opens nothing else. Without it the workers' secret needs the claim that the call's config
//! was asked for with, except for calls of workers from before there were claims.

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::call_token::LIFE_SECONDS;
use vox_bridge::config::Tokenless;
use vox_bridge::store::calls::CALLS;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::proof::{CALL_TOKEN_HEADER, CLAIM_HEADER};

use crate::harness::{TestBridge, json, refusal, result, wrong_fields};

const CLAIM: &str = "claim-of-one-worker-0123456789abcdef";
const OTHER_CLAIM: &str = "claim-of-another-0123456789abcdefghi";

/// Ask for the config of a call as a worker does that makes this claim.
async fn begin(bridge: &TestBridge, call: &str, claim: &str) -> Response {
    let body = json!({"session_id": call, "transport": "ws", "claim": claim});
    bridge.internal(Method::POST, "/api/v1/config/faq").json(&body).send().await.unwrap()
}

async fn token(bridge: &TestBridge, call: &str) -> String {
    let config = json(begin(bridge, call, CLAIM).await, StatusCode::OK).await;
    config["call_token"].as_str().unwrap().to_owned()
}

/// The three things that are delivered of a call, each without a credential.
fn deliveries(bridge: &TestBridge, call: &str) -> [RequestBuilder; 3] {
    let report = json!({"worker_id": "w1", "events": []});
    let events = format!("/api/v1/internal/calls/{call}/events");
    let recording = format!("/api/v1/internal/recordings/20261120-{call}.wav");
    [
        bridge.request(Method::POST, &events).json(&report),
        bridge.request(Method::PUT, &recording).body(vec![1; 100]),
        bridge.request(Method::POST, "/api/v1/call-results").json(&result(call, "bot")),
    ]
}

#[tokio::test]
async fn a_calls_token_delivers_for_its_call_and_opens_nothing_else() {
    let bridge = TestBridge::start().await;
    let own = token(&bridge, "call_1").await;
    let other = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    assert_eq!(begin(&bridge, "call_2", OTHER_CLAIM).await.status(), StatusCode::OK);
    let with_own = |request: RequestBuilder| request.header(CALL_TOKEN_HEADER, &own);
    // Known, and not known here.
    for call in ["call_2", "call_3"] {
        for request in deliveries(&bridge, call) {
            let refused = with_own(request).send().await.unwrap();
            assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "wrong_call");
        }
    }
    let mut result_of_other_bot = result("call_1", "bot");
    result_of_other_bot["bot_id"] = json!(other.as_str());
    let request = bridge.request(Method::POST, "/api/v1/call-results").json(&result_of_other_bot);
    assert_eq!(refusal(with_own(request).send().await.unwrap(), StatusCode::FORBIDDEN).await, "wrong_call");
    let config = format!("/api/v1/config/{other}");
    for (method, path) in [
        (Method::GET, config.as_str()),
        (Method::POST, "/api/v1/config/faq"),
        (Method::POST, "/api/v1/fleet/workers"),
        (Method::POST, "/api/v1/fleet/reservations"),
        (Method::GET, "/api/v1/internal/calls"),
        (Method::GET, "/api/v1/internal/calls/call_1"),
        (Method::POST, "/api/v1/internal/talk-tickets"),
    ] {
        let refused = with_own(bridge.request(method, path).json(&json!({}))).send().await.unwrap();
        assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "forbidden", "{path}");
    }
    for path in ["/api/v1/bots", "/api/v1/calls/call_1", "/api/v1/recordings/call_1", "/api/v1/auth/me"] {
        for request in [with_own(bridge.get(path)), bridge.get(path).bearer_auth(&own)] {
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{path}");
        }
    }

    let [events, recording, _] = deliveries(&bridge, "call_1");
    let mut ended = result("call_1", "bot");
    ended["proof"] = json!({"call_token": own, "claim": CLAIM});
    let ended = bridge.request(Method::POST, "/api/v1/call-results").json(&ended);
    for request in [events, recording, ended] {
        json(with_own(request).send().await.unwrap(), StatusCode::OK).await;
    }
    let kept = bridge.engine.get(&CALLS, "call_1".into()).await.unwrap().unwrap();
    let kept = Value::Object(kept.body).to_string();
    assert!(!kept.contains(&own) && !kept.contains(CLAIM), "{kept}");

    bridge.clock.advance(SignedDuration::from_secs(LIFE_SECONDS + 10));
    for request in deliveries(&bridge, "call_1") {
        let refused = with_own(request).send().await.unwrap();
        assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "call_token_refused");
    }
}

#[tokio::test]
async fn without_a_token_the_secret_needs_the_claim() {
    let bridge = TestBridge::start().await;
    let by_secret = |request: RequestBuilder, claim: Option<&str>| {
        let secret = bridge.internal(Method::GET, "/").build().unwrap();
        let request = request.headers(secret.headers().clone());
        match claim {
            Some(claim) => request.header(CLAIM_HEADER, claim),
            None => request,
        }
    };
    token(&bridge, "call_1").await;
    for claim in [None, Some("short"), Some(OTHER_CLAIM)] {
        for request in deliveries(&bridge, "call_1") {
            let refused = by_secret(request, claim).send().await.unwrap();
            assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "call_token_missing", "{claim:?}");
        }
        let code = match claim {
            Some("short") => {
                let refused = begin(&bridge, "call_1", "short").await;
                assert_eq!(wrong_fields(refused).await, ["claim"]);
                continue;
            }
            Some(claim) => refusal(begin(&bridge, "call_1", claim).await, StatusCode::CONFLICT).await,
            None => {
                let asked = bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
                refusal(asked, StatusCode::CONFLICT).await
            }
        };
        assert_eq!(code, "session_taken", "{claim:?}");
    }
    // Its own worker asks again, and delivers.
    token(&bridge, "call_1").await;
    for request in deliveries(&bridge, "call_1") {
        json(by_secret(request, Some(CLAIM)).send().await.unwrap(), StatusCode::OK).await;
    }

    // A worker from before there were claims.
    let asked = bridge.fetch_config("faq", &[("session_id", "call_old")]).await;
    assert_eq!(asked.status(), StatusCode::OK);
    for request in deliveries(&bridge, "call_old") {
        json(by_secret(request, None).send().await.unwrap(), StatusCode::OK).await;
    }

    // A call whose config never came is its worker's from the first delivery on.
    let [_, recording, ended] = deliveries(&bridge, "call_new");
    json(by_secret(ended, Some(CLAIM)).send().await.unwrap(), StatusCode::OK).await;
    let refused = by_secret(recording.try_clone().unwrap(), None).send().await.unwrap();
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "call_token_missing");
    json(by_secret(recording, Some(CLAIM)).send().await.unwrap(), StatusCode::OK).await;

    // An older worker delivers a newer one's outbox as it finds it.
    token(&bridge, "call_5").await;
    let mut ended = result("call_5", "bot");
    ended["proof"] = json!({"claim": CLAIM});
    json(bridge.deliver(&ended).await, StatusCode::OK).await;
}

#[tokio::test]
async fn a_setting_ends_calls_without_tokens() {
    let bridge = TestBridge::start_with(|config| config.auth.tokenless = Tokenless::Refused).await;
    let asked = bridge.fetch_config("faq", &[("session_id", "call_old")]).await;
    assert_eq!(refusal(asked, StatusCode::FORBIDDEN).await, "claim_missing");
    let refused = bridge.deliver(&result("call_old", "bot")).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "call_token_missing");
    let own = token(&bridge, "call_1").await;
    for request in deliveries(&bridge, "call_1") {
        json(request.header(CALL_TOKEN_HEADER, &own).send().await.unwrap(), StatusCode::OK).await;
    }
    let [_, _, ended] = deliveries(&bridge, "call_2");
    let secret = bridge.internal(Method::GET, "/").build().unwrap();
    let ended = ended.headers(secret.headers().clone()).header(CLAIM_HEADER, CLAIM);
    json(ended.send().await.unwrap(), StatusCode::OK).await;
}
