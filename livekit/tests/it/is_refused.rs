//! What does not go, and what is said about it.

use std::time::{Duration, Instant};

use vox_livekit::{
    AccessToken, Disconnect, Event, JoinError, Leaving, Options, Publish, PublishError, Room, Simulation,
};

use crate::harness::{Guest, LiveKit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_token_is_told_and_not_repeated() {
    let server = LiveKit::start();
    let token = format!("{}x", server.token("room", "ada"));
    let error = Room::join(&server.url, &token, Options::default()).await.expect_err("a bad token");
    assert!(matches!(error, JoinError::Refused { status: 401, .. }), "{error}");
    assert!(!error.to_string().contains(&token[..20]) && !error.is_transient());
}

#[tokio::test]
async fn nobody_there_is_told_in_time() {
    let start = Instant::now();
    let options = Options { join_within: Duration::from_secs(2), ..Options::default() };
    let error = Room::join("ws://127.0.0.1:1", "token", options.clone()).await.expect_err("nobody is there");
    assert!(matches!(error, JoinError::Unreachable(_)) && error.is_transient(), "{error}");
    // Somebody who takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", silent.local_addr().unwrap());
    let error = Room::join(&address, "token", options).await.expect_err("it says nothing");
    assert!(matches!(error, JoinError::Unreachable(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_publish_is_told() {
    let server = LiveKit::start();
    let mut token = AccessToken::new("room", "ada");
    token.grants.publish = false;
    let ada = Guest::join_with(&server, &server.sign(&token), Options::default()).await;
    let refused =
        tokio::time::timeout(crate::harness::guest::PATIENCE, ada.room.publish(Publish::default())).await;
    let refused = refused.expect("an answer in time").expect_err("not allowed");
    assert!(matches!(&refused, PublishError::Refused(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_one_with_the_same_name_ends_the_first() {
    let server = LiveKit::start();
    let mut first = Guest::join(&server, "room", "ada", Options::default()).await;
    first.connected().await;
    let _second = Guest::join(&server, "room", "ada", Options::default()).await;
    let why = first.sees("the end", ended).await;
    assert_eq!(why, Disconnect::SentAway(Leaving::DuplicateIdentity));
    assert_eq!(first.events.next().await, None);
    assert!(first.room.send_digit('1', Vec::new()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_send_us_away() {
    let server = LiveKit::start();
    let mut ada = Guest::join(&server, "room", "ada", Options::default()).await;
    ada.connected().await;
    ada.room.simulate(Simulation::ServerLeave).await;
    let why = ada.sees("the end", ended).await;
    assert!(matches!(why, Disconnect::SentAway(_)), "{why:?}");
}

fn ended(event: &Event) -> Option<Disconnect> {
    match event {
        Event::Disconnected(why) => Some(why.clone()),
        _ => None,
    }
}
