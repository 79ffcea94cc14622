//! The first start, and the starts after it, also when one was killed half-way.

use secrecy::ExposeSecret;
use vox_bridge::app::{App, Parts};
use vox_bridge::config::Config;
use vox_bridge::deployment::Deployment;
use vox_bridge::first_start::{ADMIN_EMAIL, DEMO_BOTS};
use vox_shared::clock::Clock;

use crate::harness::{NOW, TestBridge, client};
use reqwest::StatusCode;

async fn app(dir: &std::path::Path) -> App {
    // The HTTP client inside wants its TLS provider chosen.
    drop(client());
    let bound = "127.0.0.1:1".parse().unwrap();
    let config = Config::for_tests(dir.to_owned());
    let deployment = Deployment::open(&config.storage).await.unwrap();
    let parts = Parts { deployment, clock: Clock::manual(NOW.parse().unwrap()), bound };
    App::build(config, parts).await.unwrap()
}

#[tokio::test]
async fn it_happens_once() {
    let dir = tempfile::tempdir().unwrap();
    let first = app(dir.path()).await;
    let password = first.first_start().await.unwrap().expect("the first start tells the password");
    drop(first);
    let second = app(dir.path()).await;
    assert!(second.first_start().await.unwrap().is_none());
    let user = second.stores.all_users().find_by_email(ADMIN_EMAIL).await.unwrap().unwrap();
    assert!(second.passwords.verify(password, Some(user.value.password_hash)).await.unwrap());
    for (id, _) in DEMO_BOTS {
        assert!(second.stores.all_bots().find_bot(&id.parse().unwrap()).await.unwrap().is_some(), "{id}");
    }
}

#[tokio::test]
async fn a_start_that_was_killed_half_way_is_finished_with_the_same_password() {
    let dir = tempfile::tempdir().unwrap();
    // As it is left when the process dies after the password was written down and before anything was stored.
    let text = format!(r#"{{"email":"{ADMIN_EMAIL}","password":"written down before"}}"#);
    std::fs::write(dir.path().join("first-login.json"), text).unwrap();
    let app = app(dir.path()).await;
    let password = app.first_start().await.unwrap().unwrap();
    assert_eq!(password.expose_secret(), "written down before");
}

#[tokio::test]
async fn a_data_directory_is_used_by_one_bridge_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = app(dir.path()).await;
    let storage = Config::for_tests(dir.path().to_owned()).storage;
    let refused = Deployment::open(&storage).await.map(drop).unwrap_err();
    assert!(format!("{:?}", anyhow::Error::from(refused)).contains("used by another process"));
    drop(first);
    assert!(Deployment::open(&storage).await.is_ok());
}

#[tokio::test]
async fn the_password_logs_in() {
    let bridge = TestBridge::start().await;
    let answer = bridge.log_in(ADMIN_EMAIL, bridge.admin_password.expose_secret()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    bridge.stop().await;
}
