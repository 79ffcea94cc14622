//! Logging in: what a wrong guess costs, and whom.

use jiff::SignedDuration;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;
use vox_bridge::first_start::ADMIN_EMAIL;

use crate::harness::servers::within_the_process;
use crate::harness::{TestBridge, json, refusal};

#[tokio::test]
async fn wrong_password_unknown_address_and_inactive_user_look_the_same() {
    let bridge = TestBridge::start().await;
    let session = bridge.admin_session().await;
    let token = session["access_token"].as_str().unwrap();
    let new = json!({"email": "Gone@Test", "password": "long enough 1", "name": "G", "role": "agent"});
    let made = bridge
        .request(Method::POST, "/api/v1/auth/register")
        .bearer_auth(token)
        .json(&new)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(
        bridge.log_in(" gone@test ", "long enough 1").await.status(),
        StatusCode::OK,
        "addresses are folded"
    );
    let mut user = bridge.app.stores.all_users().find_by_email("gone@test").await.unwrap().unwrap();
    user.value.active = false;
    bridge.app.stores.users(&bridge.tenant()).replace_user(user).await.unwrap();

    let mut bodies = Vec::new();
    for (email, password) in
        [(ADMIN_EMAIL, "wrong"), ("nobody@test", "wrong"), ("gone@test", "long enough 1")]
    {
        bodies.push(json(bridge.log_in(email, password).await, StatusCode::UNAUTHORIZED).await);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
}

#[tokio::test]
async fn guessing_is_stopped_and_the_wait_ends() {
    let bridge = TestBridge::start_with(within_the_process).await;
    let right = bridge.admin_password.expose_secret();
    for _ in 0..5 {
        assert_eq!(bridge.log_in(ADMIN_EMAIL, "wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    let stopped = bridge.log_in(ADMIN_EMAIL, right).await;
    let wait: i64 = stopped.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert_eq!(refusal(stopped, StatusCode::TOO_MANY_REQUESTS).await, "too_many_attempts");
    bridge.clock.advance(SignedDuration::from_secs(wait));
    assert_eq!(bridge.log_in(ADMIN_EMAIL, right).await.status(), StatusCode::OK);
}

/// An address was cut to 256 characters for the throttle and folded again for the look-up: with enough spaces and anything
/// behind them every guess counted for another account than the one it was made on.
#[tokio::test]
async fn a_padded_address_is_no_second_name_for_an_account() {
    let bridge = TestBridge::start().await;
    let right = bridge.admin_password.expose_secret();
    for n in 0..4 {
        let padded = format!("{ADMIN_EMAIL}{}x{n}", " ".repeat(256 - ADMIN_EMAIL.len()));
        assert_eq!(bridge.log_in(&padded, right).await.status(), StatusCode::UNAUTHORIZED, "{padded:?}");
    }
    assert_eq!(bridge.log_in("", right).await.status(), StatusCode::UNAUTHORIZED);
    // Blanks around an address are no part of it.
    let padded = format!("{}{ADMIN_EMAIL}{}", " ".repeat(300), " ".repeat(300));
    assert_eq!(bridge.log_in(&padded, right).await.status(), StatusCode::OK);
    // Addresses that cannot be are counted as attempts of the client.
    let statuses = futures_util::future::join_all((0..3).map(|n| {
        let bridge = &bridge;
        async move { bridge.log_in(&format!("{n}{}", "x".repeat(300)), "wrong").await.status() }
    }));
    assert!(statuses.await.contains(&StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn a_client_elsewhere_locks_nobody_out() {
    let trusted = |config: &mut vox_bridge::config::Config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let bridge = TestBridge::start_with(trusted).await;
    let log_in = |from: &'static str, password: String| {
        let body = json!({"email": ADMIN_EMAIL, "password": password});
        bridge.request(Method::POST, "/api/v1/auth/login").header("x-forwarded-for", from).json(&body).send()
    };
    for _ in 0..5 {
        log_in("203.0.113.9", "wrong".into()).await.unwrap();
    }
    let right = bridge.admin_password.expose_secret().to_owned();
    assert_eq!(log_in("203.0.113.9", right.clone()).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in("198.51.100.7", right.clone()).await.unwrap().status(), StatusCode::OK);
    // What the client itself claims stands before what the proxy saw.
    let forged = log_in("198.51.100.7, 203.0.113.9", right).await.unwrap();
    assert_eq!(forged.status(), StatusCode::TOO_MANY_REQUESTS);
}
