//! Users: who may make whom, and what they may change of themselves.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

async fn register(bridge: &TestBridge, token: &str, email: &str, role: &str) -> Response {
    let body = json!({"email": email, "password": "long enough 1", "name": "N", "role": role});
    bridge.request(Method::POST, "/api/v1/auth/register").bearer_auth(token).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let bridge = TestBridge::start().await;
    let (supervisor, admin) = (bridge.token(Role::Supervisor).await, bridge.token(Role::Admin).await);
    assert_eq!(register(&bridge, &supervisor, "a@test", "agent").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(register(&bridge, &admin, "a@test", "super_admin").await.status(), StatusCode::FORBIDDEN);
    let made = json(register(&bridge, &admin, "a@test", "admin").await, StatusCode::CREATED).await;
    assert_eq!((&made["role"], &made["tenant_id"]), (&json!("admin"), &json!("default")));
    assert_eq!(
        refusal(register(&bridge, &admin, "A@Test", "agent").await, StatusCode::CONFLICT).await,
        "email_taken"
    );
    let pasted = register(&bridge, &admin, " A@Test\u{200b}\n", "agent").await;
    assert_eq!(
        refusal(pasted, StatusCode::CONFLICT).await,
        "email_taken",
        "what was pasted around it does not count"
    );
    assert_eq!(bridge.log_in("a@test\n", "long enough 1").await.status(), StatusCode::OK);
    let bad =
        json!({"email": "x", "password": "short", "name": "", "role": "agent", "primary_language": "hi"});
    let bad = bridge
        .request(Method::POST, "/api/v1/auth/register")
        .bearer_auth(&admin)
        .json(&bad)
        .send()
        .await
        .unwrap();
    assert_eq!(wrong_fields(bad).await, ["email", "name", "password", "primary_language"]);
}

#[tokio::test]
async fn the_role_is_read_again_on_every_request() {
    let bridge = TestBridge::start().await;
    let user = bridge.insert_user(&bridge.tenant(), "demoted@test", Role::Admin).await;
    let token = bridge.app.tokens.issue(&user, bridge.now()).unwrap();
    assert_eq!(register(&bridge, &token, "b@test", "agent").await.status(), StatusCode::CREATED);
    let mut stored = bridge.app.stores.all_users().find_by_email("demoted@test").await.unwrap().unwrap();
    stored.value.role = Role::Agent;
    bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
    assert_eq!(register(&bridge, &token, "c@test", "agent").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn people_change_their_own_name_and_languages_only() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::Agent).await;
    let put =
        |body: Value| bridge.request(Method::PUT, "/api/v1/auth/me").bearer_auth(&token).json(&body).send();
    let body = json!({"name": "Asha", "languages": ["hi-IN", "en"], "primary_language": "hi-IN", "role": "super_admin"});
    let me = json(put(body).await.unwrap(), StatusCode::OK).await;
    assert_eq!(
        (&me["name"], &me["primary_language"], &me["role"]),
        (&json!("Asha"), &json!("hi-IN"), &json!("agent"))
    );
    let me = json(put(json!({"languages": ["en"]})).await.unwrap(), StatusCode::OK).await;
    assert_eq!((&me["name"], &me["primary_language"]), (&json!("Asha"), &Value::Null));
    assert_eq!(
        wrong_fields(put(json!({"primary_language": "fr"})).await.unwrap()).await,
        ["primary_language"]
    );
    let again = bridge.get("/api/v1/auth/me").bearer_auth(&token).send().await.unwrap();
    assert_eq!(json(again, StatusCode::OK).await, me);
}
