//! What follows from a stored result is moved out of the call's document once, whoever moves it and whatever is repeated.

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::store::Stored;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::engine::Order;
use vox_bridge::store::events::Event;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, result};

async fn bridge_with_calls(calls: usize) -> (TestBridge, Vec<String>) {
    let bridge = TestBridge::start().await;
    let settings = BotSettings { name: "b".into(), ..BotSettings::default() };
    let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
    let sessions: Vec<String> = (0..calls).map(|n| format!("call_{n:03}")).collect();
    for session in &sessions {
        let fetched = bridge.fetch_config(&bot, &[("session_id", session), ("transport", "ws")]).await;
        assert_eq!(fetched.status(), StatusCode::OK);
    }
    assert_eq!(bridge.app.relay.move_all().await.unwrap(), calls, "that they began");
    (bridge, sessions)
}

/// What became of the calls.
async fn events(bridge: &TestBridge) -> Vec<Stored<Event>> {
    let tenant = bridge.tenant();
    let listed = bridge.app.stores.events(&tenant).list_events(Order::Ascending, 500, None).await.unwrap();
    listed.items.into_iter().filter(|event| event.value.event != "call.connected").collect()
}

async fn outbox(bridge: &TestBridge, session: &str) -> Value {
    let call = bridge.app.stores.all_calls().find_call(&session.parse().unwrap()).await.unwrap().unwrap();
    serde_json::to_value(call.value.outbox).unwrap()
}

#[tokio::test]
async fn an_end_becomes_one_event_and_leaves_the_call() {
    let (bridge, _) = bridge_with_calls(2).await;
    bridge.deliver(&result("call_000", "customer")).await;
    bridge.deliver(&result("call_000", "customer")).await;
    bridge.deliver(&result("call_001", "busy")).await;
    assert_eq!(bridge.app.relay.move_all().await.unwrap(), 2, "a repeated result tells nothing");
    assert_eq!(bridge.app.relay.move_all().await.unwrap(), 0);
    let events = events(&bridge).await;
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|e| (e.value.event.as_str(), e.value.data["end_reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.contains(&("call.ended", "customer")) && told.contains(&("call.failed", "busy")),
        "{told:?}"
    );
    assert_eq!(outbox(&bridge, "call_000").await, Value::Null);
}

#[tokio::test]
async fn what_takes_the_place_of_a_guess_is_told_again() {
    let (bridge, _) = bridge_with_calls(1).await;
    bridge.deliver(&result("call_000", "worker_lost")).await;
    bridge.app.relay.move_all().await.unwrap();
    bridge.clock.advance(SignedDuration::from_secs(1));
    bridge.deliver(&result("call_000", "bot")).await;
    bridge.app.relay.move_all().await.unwrap();
    let told: Vec<String> = events(&bridge).await.into_iter().map(|e| e.value.event).collect();
    assert_eq!(told, ["call.failed", "call.ended"]);
}

/// Killed after the insert and before the outbox was emptied.
#[tokio::test]
async fn an_outbox_that_was_moved_already_is_moved_again_without_effect() {
    let (bridge, _) = bridge_with_calls(1).await;
    bridge.deliver(&result("call_000", "customer")).await;
    let before = outbox(&bridge, "call_000").await;
    bridge.app.relay.move_all().await.unwrap();
    bridge.damage(&CALLS, "call_000", "outbox", before).await;
    assert_eq!(bridge.app.relay.move_all().await.unwrap(), 1);
    assert_eq!(events(&bridge).await.len(), 1);
    assert_eq!(outbox(&bridge, "call_000").await, Value::Null);
}

#[tokio::test]
async fn an_entry_that_is_added_meanwhile_stays_until_it_is_moved() {
    let (bridge, _) = bridge_with_calls(1).await;
    bridge.deliver(&result("call_000", "customer")).await;
    bridge
        .app
        .stores
        .all_calls()
        .clear_outboxes(&[("call_000".into(), "another mark".into())])
        .await
        .unwrap();
    assert_ne!(outbox(&bridge, "call_000").await, Value::Null, "it is not as it was read");
}

#[tokio::test]
async fn several_relays_at_once_tell_everything_once() {
    const CALLS_ENDED: usize = 130;
    let (bridge, sessions) = bridge_with_calls(CALLS_ENDED).await;
    for session in &sessions {
        bridge.deliver(&result(session, "customer")).await;
    }
    let relays = (0..4).map(|_| {
        let relay = bridge.app.relay.clone();
        tokio::spawn(async move { relay.move_all().await.unwrap() })
    });
    for relay in relays.collect::<Vec<_>>() {
        relay.await.unwrap();
    }
    let mut ids: Vec<String> = events(&bridge).await.into_iter().map(|e| e.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), CALLS_ENDED);
    for session in &sessions {
        assert_eq!(outbox(&bridge, session).await, json!(null));
    }
}

/// A day that no index can hold, as only damage or a fault makes it.
#[tokio::test]
async fn one_entry_that_cannot_be_stored_keeps_no_other_from_its_turn() {
    let (bridge, _) = bridge_with_calls(2).await;
    bridge.app.relay.move_all().await.unwrap();
    bridge.deliver(&result("call_000", "customer")).await;
    let mut broken = outbox(&bridge, "call_000").await;
    for entry in broken["entries"].as_array_mut().unwrap() {
        if entry["kind"] == "ledger" {
            entry["day"] = "x".repeat(5_000).into();
        }
    }
    bridge.damage(&CALLS, "call_000", "outbox", broken).await;
    bridge.deliver(&result("call_001", "busy")).await;
    bridge.app.relay.move_all().await.unwrap();
    assert!(events(&bridge).await.iter().any(|event| event.value.event == "call.failed"));
    assert_eq!(outbox(&bridge, "call_001").await, Value::Null);
    assert_ne!(outbox(&bridge, "call_000").await, Value::Null, "it stays for a person");
}
