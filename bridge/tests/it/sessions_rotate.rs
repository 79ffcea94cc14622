//! Access and refresh tokens over their life.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::secret_token::hash;
use vox_bridge::first_start::ADMIN_EMAIL;
use vox_bridge::store::Stamp;
use vox_bridge::store::refresh_tokens::Family;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

async fn refresh(bridge: &TestBridge, session: &Value) -> Response {
    let body = json!({"refresh_token": session["refresh_token"]});
    bridge.request(Method::POST, "/api/v1/auth/refresh").json(&body).send().await.unwrap()
}

async fn me(bridge: &TestBridge, session: &Value) -> StatusCode {
    let token = session["access_token"].as_str().unwrap();
    bridge.get("/api/v1/auth/me").bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn an_access_token_lives_an_hour_and_is_renewed() {
    let bridge = TestBridge::start().await;
    let first = bridge.admin_session().await;
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(me(&bridge, &first).await, StatusCode::OK);
    bridge.clock.advance(SignedDuration::from_secs(3606));
    assert_eq!(me(&bridge, &first).await, StatusCode::UNAUTHORIZED);
    let second = json(refresh(&bridge, &first).await, StatusCode::OK).await;
    assert_eq!(me(&bridge, &second).await, StatusCode::OK);
    bridge.clock.advance(SignedDuration::from_hours(24 * 15));
    assert_eq!(refresh(&bridge, &second).await.status(), StatusCode::UNAUTHORIZED, "unused for too long");
}

#[tokio::test]
async fn a_reused_refresh_token_ends_its_family_and_no_other() {
    let bridge = TestBridge::start().await;
    let (first, bystander) = (bridge.admin_session().await, bridge.admin_session().await);
    let second = json(refresh(&bridge, &first).await, StatusCode::OK).await;
    let third = json(refresh(&bridge, &second).await, StatusCode::OK).await;
    assert_eq!(refresh(&bridge, &first).await.status(), StatusCode::UNAUTHORIZED, "used before");
    assert_eq!(refresh(&bridge, &third).await.status(), StatusCode::UNAUTHORIZED, "its family is over");
    assert_eq!(refresh(&bridge, &bystander).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn raced_refreshes_yield_one_new_token_at_most() {
    let bridge = TestBridge::start().await;
    let session = bridge.admin_session().await;
    let outcomes = futures_util::future::join_all((0..8).map(|_| refresh(&bridge, &session))).await;
    let won = outcomes.iter().filter(|o| o.status() == StatusCode::OK).count();
    assert_eq!(won, 1, "{outcomes:?}");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let bridge = TestBridge::start().await;
    let session = bridge.admin_session().await;
    let body = json!({"refresh_token": session["refresh_token"]});
    for _ in 0..2 {
        let out = bridge.request(Method::POST, "/api/v1/auth/logout").json(&body).send().await.unwrap();
        assert_eq!(out.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(refresh(&bridge, &session).await.status(), StatusCode::UNAUTHORIZED);
    for odd in ["", ".", "x.y", "no-dot", &"x".repeat(5_000)] {
        assert_eq!(refresh(&bridge, &json!({"refresh_token": odd})).await.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let bridge = TestBridge::start().await;
    let (mine, theirs) = (bridge.admin_session().await, bridge.admin_session().await);
    bridge.clock.advance(SignedDuration::from_secs(2));
    let change = |current: String, new: &'static str| {
        let body = json!({"current_password": current, "new_password": new});
        let token = mine["access_token"].as_str().unwrap();
        bridge.request(Method::PUT, "/api/v1/auth/me/password").bearer_auth(token).json(&body).send()
    };
    let old = bridge.admin_password.expose_secret().to_owned();
    assert_eq!(wrong_fields(change(old.clone(), "short").await.unwrap()).await, ["new_password"]);
    assert_eq!(
        refusal(change("wrong".into(), "long enough 1").await.unwrap(), StatusCode::FORBIDDEN).await,
        "forbidden"
    );
    let file = bridge.app.config.storage.data_dir.join("first-login.json");
    assert!(file.exists());
    let fresh = json(change(old.clone(), "long enough 1").await.unwrap(), StatusCode::OK).await;
    assert!(!file.exists(), "the first password is forgotten");

    assert_eq!(me(&bridge, &fresh).await, StatusCode::OK);
    for session in [&mine, &theirs] {
        assert_eq!(me(&bridge, session).await, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&bridge, session).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(bridge.log_in(ADMIN_EMAIL, &old).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bridge.log_in(ADMIN_EMAIL, "long enough 1").await.status(), StatusCode::OK);
}

/// A family in the store as a login would have left it, and the session that a client has of it.
async fn insert_family(bridge: &TestBridge, id: &str, under: Option<Stamp>) -> Value {
    let user = bridge.app.stores.all_users().find_by_email(ADMIN_EMAIL).await.unwrap().unwrap();
    let family = Family {
        tenant_id: user.value.tenant_id,
        user_id: user.id.parse().unwrap(),
        email: ADMIN_EMAIL.into(),
        current_hash: hash("secret"),
        expires_at: Stamp(bridge.now() + SignedDuration::from_hours(24 * 14)),
        rotations: 0,
        tokens_valid_from: under,
    };
    bridge.app.stores.refresh_tokens().insert_family(id, &family).await.unwrap();
    json!({"refresh_token": format!("{id}.secret")})
}

async fn valid_from(bridge: &TestBridge) -> Stamp {
    let user = bridge.app.stores.all_users().find_by_email(ADMIN_EMAIL).await.unwrap();
    user.unwrap().value.tokens_valid_from
}

#[tokio::test]
async fn a_new_password_ends_sessions_without_number_and_those_that_began_at_that_moment() {
    let bridge = TestBridge::start().await;
    let (mine, old_stamp) = (bridge.admin_session().await, valid_from(&bridge).await);
    let mut theirs = Vec::new();
    for n in 0..600 {
        theirs.push(insert_family(&bridge, &format!("f{n}"), Some(old_stamp)).await);
    }
    let unstamped = insert_family(&bridge, "unstamped", None).await;
    let unstamped = json(refresh(&bridge, &unstamped).await, StatusCode::OK).await;

    bridge.clock.advance(SignedDuration::from_secs(2));
    let body =
        json!({"current_password": bridge.admin_password.expose_secret(), "new_password": "long enough 1"});
    let token = mine["access_token"].as_str().unwrap();
    let path = "/api/v1/auth/me/password";
    let changed = bridge.request(Method::PUT, path).bearer_auth(token).json(&body).send().await.unwrap();
    let fresh = json(changed, StatusCode::OK).await;

    // A login that read the person before the change and wrote its family after it.
    theirs.push(insert_family(&bridge, "late", Some(old_stamp)).await);
    theirs.push(unstamped);
    for session in &theirs {
        assert_eq!(refresh(&bridge, session).await.status(), StatusCode::UNAUTHORIZED, "{session}");
    }
    assert_eq!(refresh(&bridge, &fresh).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_from_before_the_stamp_ends_with_the_next_password_only() {
    let bridge = TestBridge::start().await;
    let old = insert_family(&bridge, "old", None).await;
    let spared = insert_family(&bridge, "spared", None).await;
    assert_eq!(refresh(&bridge, &spared).await.status(), StatusCode::OK);
    // The password changes, but the deletion of the sessions fails.
    bridge.clock.advance(SignedDuration::from_secs(2));
    let mut user = bridge.app.stores.all_users().find_by_email(ADMIN_EMAIL).await.unwrap().unwrap();
    user.value.tokens_valid_from = Stamp(bridge.now());
    bridge.app.stores.users(&bridge.tenant()).replace_user(user).await.unwrap();
    assert_eq!(refresh(&bridge, &old).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let bridge = TestBridge::start().await;
    let good = bridge.admin_session().await["access_token"].as_str().unwrap().to_owned();
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let encode = |value: Value| B64.encode(value.to_string());
    let claimed: Value = serde_json::from_slice(&B64.decode(claims).unwrap()).unwrap();
    let mut forged = vec![
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{claims}.{header}.{signature}"),
        format!("{}.{claims}.", encode(json!({"alg": "none"}))),
        format!("{}.{claims}.{signature}", encode(json!({"alg": "HS512", "typ": "JWT"}))),
        format!("{}.{claims}.{signature}", encode(json!({"alg": "RS256"}))),
        format!("{good}{good}"),
        "x".repeat(100_000),
    ];
    // Signed with the right secret, but with claims that are not ours.
    let key =
        jsonwebtoken::EncodingKey::from_secret(bridge.app.config.auth.jwt_secret.expose_secret().as_bytes());
    for (field, value) in [
        ("iss", json!("somebody")),
        ("aud", json!("another-api")),
        ("sub", json!("nobody@test")),
        ("exp", json!("9999999999")),
        ("exp", json!(1)),
        ("exp", Value::Null),
        ("iat", json!(9_999_999_999_i64)),
    ] {
        let mut claims = claimed.clone();
        claims[field] = value;
        forged.push(jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap());
    }
    for token in forged {
        let status = bridge.get("/api/v1/auth/me").bearer_auth(&token).send().await.unwrap().status();
        assert!(
            status == StatusCode::UNAUTHORIZED || token.len() > 90_000 && status.is_client_error(),
            "{token}: {status}"
        );
    }
}
