//! The do-not-call list of a tenant.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, wrong_fields};

async fn send(bridge: &TestBridge, key: &TestKey, (method, path): (Method, &str), body: &Value) -> Response {
    key.sign(bridge.request(method, path)).json(body).send().await.unwrap()
}

async fn post(bridge: &TestBridge, key: &TestKey, path: &str, body: Value) -> Response {
    send(bridge, key, (Method::POST, path), &body).await
}

#[tokio::test]
async fn a_number_is_on_the_list_however_it_is_written() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::DncRead, Scope::DncWrite]).await;
    let body = json!({"number": "(0) 98765-43210", "reason": "asked not to be called"});
    let added = json(post(&bridge, &key, "/api/v1/dnc", body).await, StatusCode::CREATED).await;
    assert_eq!((&added["number"], &added["added_by"]), (&json!("+919876543210"), &json!(key.id.as_str())));
    let again =
        json(post(&bridge, &key, "/api/v1/dnc", json!({"number": "+919876543210"})).await, StatusCode::OK)
            .await;
    assert_eq!(again, added, "the first reason stays");
    for written in ["%2B919876543210", "+919876543210", "09876543210", "9876543210", "919876543210"] {
        let found = key.reads(&bridge, &format!("/api/v1/dnc/check?number={written}")).await;
        assert_eq!((&found["listed"], &found["reason"]), (&json!(true), &body_reason()), "{written}");
    }
    let free = key.reads(&bridge, "/api/v1/dnc/check?number=09876543211").await;
    assert_eq!(free, json!({"number": "09876543211", "listed": false, "reason": null}));
    let gone = send(&bridge, &key, (Method::DELETE, "/api/v1/dnc/09876543210"), &Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(key.reads(&bridge, "/api/v1/dnc/check?number=919876543210").await["listed"], false);
    let twice = send(&bridge, &key, (Method::DELETE, "/api/v1/dnc/09876543210"), &Value::Null).await;
    assert_eq!(refusal(twice, StatusCode::NOT_FOUND).await, "not_found");
    let token = bridge.token(Role::Admin).await;
    let log = bridge.get("/api/v1/audit?limit=200").bearer_auth(token).send().await.unwrap();
    let log = json(log, StatusCode::OK).await.to_string();
    assert!(
        log.contains("/api/v1/dnc/{phone}") && !log.contains("9876543210"),
        "nothing takes a number back: {log}"
    );
    let asked = key.sign(bridge.get("/api/v1/dnc/check?number=x")).send().await.unwrap();
    assert_eq!(wrong_fields(asked).await, ["number"]);
}

fn body_reason() -> Value {
    json!("asked not to be called")
}

#[tokio::test]
async fn many_are_added_at_once_or_none() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::DncRead, Scope::DncWrite]).await;
    let numbers: Vec<String> = (0..1_201).map(|n| format!("+1415555{n:04}")).collect();
    let mut bad = numbers.clone();
    (bad[7], bad[900]) = ("nobody".into(), String::new());
    let refused = post(&bridge, &key, "/api/v1/dnc/bulk", json!({"numbers": bad})).await;
    assert_eq!(wrong_fields(refused).await, ["numbers.7", "numbers.900"]);
    assert_eq!(key.reads(&bridge, "/api/v1/dnc").await["items"], json!([]));
    let added =
        json(post(&bridge, &key, "/api/v1/dnc/bulk", json!({"numbers": numbers})).await, StatusCode::OK)
            .await;
    assert_eq!(added, json!({"added": 1_201, "known": 0}));
    let more = json!({"numbers": ["+14155550000", "+14155559999", "+1 415 555 9999"], "reason": "r"});
    let added = json(post(&bridge, &key, "/api/v1/dnc/bulk", more).await, StatusCode::OK).await;
    assert_eq!(added, json!({"added": 1, "known": 2}));
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = key.reads(&bridge, &format!("/api/v1/dnc?limit=200{cursor}")).await;
        seen += page["items"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 1_202);
    for (body, field) in [
        (json!({"numbers": []}), "numbers"),
        (json!({"numbers": vec!["112"; 5_001]}), "numbers"),
        (json!({"numbers": ["112"], "reason": "x".repeat(201)}), "reason"),
    ] {
        assert_eq!(wrong_fields(post(&bridge, &key, "/api/v1/dnc/bulk", body).await).await, [field]);
    }
}

#[tokio::test]
async fn the_list_is_the_tenants_own() {
    let bridge = TestBridge::start().await;
    let own = bridge.key(&[Scope::DncRead, Scope::DncWrite]).await;
    let tenant = bridge.insert_tenant("other").await;
    let other = bridge.insert_key(&tenant, &[Scope::DncRead, Scope::DncWrite], |_| {}).await;
    post(&bridge, &own, "/api/v1/dnc", json!({"number": "+14155550100"})).await;
    assert_eq!(other.reads(&bridge, "/api/v1/dnc").await["items"], json!([]));
    assert_eq!(other.reads(&bridge, "/api/v1/dnc/check?number=%2B14155550100").await["listed"], false);
    let foreign = send(&bridge, &other, (Method::DELETE, "/api/v1/dnc/+14155550100"), &Value::Null).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    let added = post(&bridge, &other, "/api/v1/dnc", json!({"number": "+14155550100"})).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    // Anybody may look, and admins write.
    let agent = bridge.token(Role::Agent).await;
    let list = bridge.get("/api/v1/dnc").bearer_auth(&agent).send().await.unwrap();
    assert_eq!(json(list, StatusCode::OK).await["items"].as_array().unwrap().len(), 1);
    let add = bridge.request(Method::POST, "/api/v1/dnc").bearer_auth(&agent).json(&json!({"number": "112"}));
    assert_eq!(refusal(add.send().await.unwrap(), StatusCode::FORBIDDEN).await, "forbidden");
}
