//! Keys of the API: shown once, good until they expire or are revoked, and no more than a hundred.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::auth::secret_token::hash;
use vox_bridge::store::api_keys::API_KEYS;
use vox_bridge::store::tenants::TenantStatus;

use crate::harness::{TestBridge, json, refusal, wrong_fields};
use crate::s3_server::eventually;

const KEYS: &str = "/api/v1/api-keys";

async fn make(bridge: &TestBridge, token: &str, body: &Value) -> Response {
    bridge.request(Method::POST, KEYS).bearer_auth(token).json(body).send().await.unwrap()
}

async fn made(bridge: &TestBridge, token: &str, body: &Value) -> Value {
    json(make(bridge, token, body).await, StatusCode::CREATED).await
}

async fn read(bridge: &TestBridge, admin: &str, key: &Value) -> Value {
    let path = format!("{KEYS}/{}", text(key, "id"));
    json(bridge.get(&path).bearer_auth(admin).send().await.unwrap(), StatusCode::OK).await
}

async fn list_bots(bridge: &TestBridge, key: &Value) -> Response {
    bridge.get("/api/v1/bots").bearer_auth(text(key, "token")).send().await.unwrap()
}

async fn revoke(bridge: &TestBridge, admin: &str, key: &Value) -> StatusCode {
    let path = format!("{KEYS}/{}", text(key, "id"));
    bridge.request(Method::DELETE, &path).bearer_auth(admin).send().await.unwrap().status()
}

async fn rotate(bridge: &TestBridge, admin: &str, key: &Value) -> Response {
    let path = format!("{KEYS}/{}/rotate", text(key, "id"));
    bridge.request(Method::POST, &path).bearer_auth(admin).send().await.unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn reader() -> Value {
    json!({"name": "CRM", "scopes": ["bots:read"]})
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_a_hash() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let key = made(&bridge, &admin, &reader()).await;
    let token = text(&key, "token");
    assert!(token.len() == 35 && token.starts_with(text(&key, "prefix")), "{key}");
    assert_eq!((&key["status"], &key["scopes"]), (&json!("live"), &json!(["bots:read"])));

    let listed = bridge.get(KEYS).bearer_auth(&admin).send().await.unwrap();
    let listed = json(listed, StatusCode::OK).await;
    assert_eq!(listed["items"][0]["id"], key["id"]);
    let shown = format!("{listed}{}", read(&bridge, &admin, &key).await);
    assert!(!shown.contains(token) && !shown.contains(&hash(token)), "{shown}");
    let id = text(&key, "id").parse().unwrap();
    let stored = bridge.app.stores.api_keys(&bridge.tenant()).get_key(&id).await.unwrap().value;
    assert_eq!(stored.secret_hash, hash(token));
    assert!(!serde_json::to_string(&stored).unwrap().contains(&token[10..]));
}

#[tokio::test]
async fn a_key_is_taken_from_either_header() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::BotsRead]).await.token;
    let ask = |headers: &[(&str, String)]| {
        let request = bridge.get("/api/v1/bots");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, value)).send()
    };
    let status = async |headers: &[(&str, String)]| ask(headers).await.unwrap().status();
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let plain = |token: &str| ("x-api-key", token.to_owned());
    assert_eq!(status(&[bearer(&key)]).await, StatusCode::OK);
    assert_eq!(status(&[plain(&key)]).await, StatusCode::OK);
    let proxy = ("authorization", "Basic dTpw".to_owned());
    assert_eq!(status(&[proxy, plain(&key)]).await, StatusCode::OK, "a proxy's own login is none of ours");
    assert_eq!(status(&[bearer("vx_wrong"), plain(&key)]).await, StatusCode::UNAUTHORIZED, "which counts");
    let person = bridge.token(Role::SuperAdmin).await;
    let long = format!("vx_{}", "x".repeat(4_000));
    for wrong in [person.as_str(), "", "vx_", &key[3..], &key[..34], &key.to_uppercase(), &long] {
        assert_eq!(status(&[plain(wrong)]).await, StatusCode::UNAUTHORIZED, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_key_to_be_is_named() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let foreign = bridge.insert_tenant("other").await;
    let foreign = bridge.insert_bot(&foreign, vox_shared::model::bot::BotSettings::default()).await;
    for (field, value, paths) in [
        ("name", json!(""), vec!["name"]),
        ("name", json!(7), vec!["name"]),
        ("scopes", json!([]), vec!["scopes"]),
        ("scopes", json!(["calls:read", "keys:write", "BOTS:READ"]), vec!["scopes.1", "scopes.2"]),
        ("expires_at", json!("tomorrow"), vec!["expires_at"]),
        ("expires_at", json!("2026-11-20T10:00:00Z"), vec!["expires_at"]),
        ("bots", json!([]), vec!["bots"]),
        ("bots", json!(vec!["faq"; 21]), vec!["bots"]),
        ("bots", json!(["faq", "no/id", "faq"]), vec!["bots.1", "bots.2"]),
        ("bots", json!(["faq", "nobody", foreign.as_str()]), vec!["bots.1", "bots.2"]),
        ("role", json!("admin"), vec!["role"]),
    ] {
        let mut body = reader();
        body[field] = value;
        assert_eq!(wrong_fields(make(&bridge, &admin, &body).await).await, paths, "{body}");
    }
    let all = json!({"name": "", "scopes": ["x"], "expires_at": "x", "bots": []});
    let paths = wrong_fields(make(&bridge, &admin, &all).await).await;
    assert_eq!(paths, ["name", "scopes.0", "bots", "expires_at"], "all at once");
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over() {
    let bridge = TestBridge::start().await;
    let (admin, mut body) = (bridge.token(Role::Admin).await, reader());
    body["expires_at"] = json!("2026-11-20T10:30:00Z");
    let key = made(&bridge, &admin, &body).await;
    bridge.clock.advance(SignedDuration::from_secs(30 * 60 - 1));
    assert_eq!(list_bots(&bridge, &key).await.status(), StatusCode::OK);
    bridge.clock.advance(SignedDuration::from_secs(1));
    let refused = list_bots(&bridge, &key).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "api_key_expired");
    assert_eq!(read(&bridge, &admin, &key).await["status"], "expired");
    assert_eq!(
        refusal(rotate(&bridge, &admin, &key).await, StatusCode::CONFLICT).await,
        "api_key_not_live",
        "a new secret gives no new time"
    );
}

/// A key whose end cannot be read is no key without an end.
#[tokio::test]
async fn a_key_with_an_end_that_is_no_time_has_expired() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    for nonsense in [json!("tomorrow"), json!(7), json!(""), json!({"at": "2027-01-01T00:00:00Z"})] {
        let key = made(&bridge, &admin, &reader()).await;
        assert_eq!(list_bots(&bridge, &key).await.status(), StatusCode::OK);
        bridge.damage(&API_KEYS, text(&key, "id"), "expires_at", nonsense.clone()).await;
        let refused = list_bots(&bridge, &key).await;
        assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "api_key_expired", "{nonsense}");
        assert_eq!(read(&bridge, &admin, &key).await["status"], "expired", "{nonsense}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_its_record_stays() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let key = made(&bridge, &admin, &reader()).await;
    assert_eq!(list_bots(&bridge, &key).await.status(), StatusCode::OK);
    assert_eq!(revoke(&bridge, &admin, &key).await, StatusCode::NO_CONTENT);
    let refused = list_bots(&bridge, &key).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "api_key_revoked");
    let record = read(&bridge, &admin, &key).await;
    bridge.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(revoke(&bridge, &admin, &key).await, StatusCode::NO_CONTENT, "again");
    assert_eq!(read(&bridge, &admin, &key).await, record, "revoked since the first time");
    assert_eq!(
        (&record["status"], &record["revoked_at"]),
        (&json!("revoked"), &json!("2026-11-20T10:00:00.000000Z"))
    );
    assert_eq!(refusal(rotate(&bridge, &admin, &key).await, StatusCode::CONFLICT).await, "api_key_not_live");
    let nobody = json!({"id": "key_nobody"});
    assert_eq!(revoke(&bridge, &admin, &nobody).await, StatusCode::NOT_FOUND);
    assert_eq!(rotate(&bridge, &admin, &nobody).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_rotated_key_is_the_same_with_another_secret() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let old = made(&bridge, &admin, &reader()).await;
    let new = json(rotate(&bridge, &admin, &old).await, StatusCode::OK).await;
    for field in ["id", "name", "scopes", "bots", "created_at", "created_by"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert!(new["token"] != old["token"] && new["prefix"] != old["prefix"], "{new}");
    let refused = list_bots(&bridge, &old).await;
    assert_eq!(refusal(refused, StatusCode::UNAUTHORIZED).await, "unauthorized");
    assert_eq!(list_bots(&bridge, &new).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let key = made(&bridge, &admin, &reader()).await;
    assert_eq!(key["last_used_at"], Value::Null);
    for (seconds, noted) in [(0, "10:00:00"), (59, "10:00:00"), (1, "10:01:00"), (150, "10:03:30")] {
        bridge.clock.advance(SignedDuration::from_secs(seconds));
        assert_eq!(list_bots(&bridge, &key).await.status(), StatusCode::OK);
        // It is written behind the request's back.
        let noted = format!("2026-11-20T{noted}.000000Z");
        let is_noted = async || read(&bridge, &admin, &key).await["last_used_at"] == noted;
        assert!(eventually(std::time::Duration::from_secs(10), is_noted).await, "{noted}");
    }
}

#[tokio::test]
async fn a_tenant_has_a_hundred_live_keys_at_most() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let (body, mut short) = (reader(), reader());
    short["expires_at"] = json!("2026-11-20T11:00:00Z");
    let first = made(&bridge, &admin, &body).await;
    for n in 1..96 {
        made(&bridge, &admin, if n < 3 { &short } else { &body }).await;
    }
    let raced = futures_util::future::join_all((0..12).map(|_| make(&bridge, &admin, &body))).await;
    let won = raced.iter().filter(|answer| answer.status() == StatusCode::CREATED).count();
    assert_eq!(won, 4, "of requests at the same moment");
    let codes = raced.into_iter().filter(|answer| answer.status() != StatusCode::CREATED);
    for answer in codes {
        assert_eq!(refusal(answer, StatusCode::CONFLICT).await, "too_many_api_keys");
    }
    let other = bridge.insert_tenant("other").await;
    made(&bridge, &bridge.token_of(&other, Role::Admin).await, &body).await;

    assert_eq!(revoke(&bridge, &admin, &first).await, StatusCode::NO_CONTENT);
    made(&bridge, &admin, &body).await;
    assert_eq!(make(&bridge, &admin, &body).await.status(), StatusCode::CONFLICT);
    bridge.clock.advance(SignedDuration::from_mins(59));
    let admin = bridge.token(Role::Admin).await;
    assert_eq!(make(&bridge, &admin, &body).await.status(), StatusCode::CONFLICT);
    bridge.clock.advance(SignedDuration::from_mins(1));
    made(&bridge, &admin, &body).await;
    made(&bridge, &admin, &body).await;
    assert_eq!(make(&bridge, &admin, &body).await.status(), StatusCode::CONFLICT, "two had expired");
}

#[tokio::test]
async fn keys_are_listed_in_pages_newest_first() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    for name in ["one", "two", "three"] {
        made(&bridge, &admin, &json!({"name": name, "scopes": ["fleet:read"]})).await;
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    let page = async |path: &str| {
        json(bridge.get(path).bearer_auth(&admin).send().await.unwrap(), StatusCode::OK).await
    };
    let newest = page("/api/v1/api-keys?limit=2").await;
    assert_eq!((&newest["items"][0]["name"], &newest["items"][1]["name"]), (&json!("three"), &json!("two")));
    let rest = page(&format!("/api/v1/api-keys?limit=2&cursor={}", text(&newest, "next_cursor"))).await;
    assert_eq!((&rest["items"][0]["name"], &rest["next_cursor"]), (&json!("one"), &Value::Null));
}

/// A key is the tenant's, not its maker's.
#[tokio::test]
async fn a_key_goes_on_without_its_maker() {
    let bridge = TestBridge::start().await;
    let maker = bridge.insert_user(&bridge.tenant(), "maker@test", Role::Admin).await;
    let key = made(&bridge, &bridge.app.tokens.issue(&maker, bridge.now()).unwrap(), &reader()).await;
    let mut stored = bridge.app.stores.all_users().find_by_email("maker@test").await.unwrap().unwrap();
    stored.value.active = false;
    bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
    assert_eq!(list_bots(&bridge, &key).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_suspended_tenants_key_is_answered_as_its_people_are() {
    let bridge = TestBridge::start().await;
    let (key, person) = (bridge.key(Scope::ALL).await.token, bridge.token(Role::Admin).await);
    bridge.app.stores.tenants().set_status(&bridge.tenant(), TenantStatus::Suspended).await.unwrap();
    for token in [&key, &person] {
        let refused = bridge.get("/api/v1/bots").bearer_auth(token).send().await.unwrap();
        assert_eq!(refusal(refused, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    }
    bridge.app.stores.tenants().set_status(&bridge.tenant(), TenantStatus::Active).await.unwrap();
    for token in [&key, &person] {
        let answered = bridge.get("/api/v1/bots").bearer_auth(token).send().await.unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
    }
}
