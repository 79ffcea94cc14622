//! Results are handed to the relay as they are stored: what follows from each is moved, its digest is made, and its document is changed
//! once for both. Nothing rests on that: whatever is killed in between, the store has what is left to do.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::store::Stored;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::digests::CallDigest;
use vox_bridge::store::engine::Order;

use crate::harness::{TestBridge, result};
use crate::s3_server::eventually;

const DEADLINE: Duration = Duration::from_secs(60);

/// The document of a call, with its version.
async fn document(bridge: &TestBridge, session: &str) -> (u64, Value) {
    let document = bridge.engine.get(&CALLS, session.into()).await.unwrap().unwrap();
    (document.version, Value::Object(document.body))
}

async fn is_settled(bridge: &TestBridge, session: &str) -> bool {
    let (_, body) = document(bridge, session).await;
    body["outbox"].is_null() && body["digest"].is_null()
}

async fn are_settled(bridge: &TestBridge, sessions: &[String]) -> bool {
    for session in sessions {
        if !is_settled(bridge, session).await {
            return false;
        }
    }
    true
}

async fn digest_of(bridge: &TestBridge, session: &str) -> Stored<CallDigest> {
    let digests = bridge.app.stores.all_digests();
    digests.find_digest(&session.parse().unwrap()).await.unwrap().expect("it has a digest")
}

/// The calls of which an event says that they ended, in the order of their ids.
async fn ended(bridge: &TestBridge) -> Vec<String> {
    let events = bridge.app.stores.events(&bridge.tenant());
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = events.list_events(Order::Ascending, 500, after).await.unwrap();
        let of_calls = page.items.iter().filter_map(|event| event.value.session_id.as_ref());
        found.extend(of_calls.map(ToString::to_string));
        let Some(next) = page.next_cursor else { break };
        after = Some(vox_bridge::store::Cursor::parse(&next).unwrap());
    }
    found.sort();
    found
}

async fn deliver(bridge: &TestBridge, sessions: &[String]) {
    for some in sessions.chunks(16) {
        let delivered = some.iter().map(async |session| {
            let answer = bridge.deliver(&result(session, "customer")).await;
            assert_eq!(answer.status(), 200, "{session}");
        });
        join_all(delivered).await;
    }
}

#[tokio::test]
async fn a_result_is_written_once_more_for_all_that_follows() {
    let bridge = TestBridge::start().await;
    let sessions: Vec<String> = (0..130).map(|n| format!("call_{n:03}")).collect();
    deliver(&bridge, &sessions).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(bridge.app.relay.clone().run(stop.clone()));
    assert!(eventually(DEADLINE, || are_settled(&bridge, &sessions)).await);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(ended(&bridge).await, sessions, "each once");
    for session in &sessions {
        assert_eq!(document(&bridge, session).await.0, 2, "the result, and what is done of it: {session}");
        let digest = digest_of(&bridge, session).await.value;
        assert_eq!((digest.call_version, digest.fact.is_some()), (1, true), "{session}");
    }
    assert!(bridge.app.stores.all_calls().list_to_digest(10).await.unwrap().is_empty());
    assert_eq!(bridge.app.digester.round().await.unwrap(), 0);
    assert_eq!(bridge.app.relay.move_all().await.unwrap(), 0);
}

/// How often the store was asked for something, by the name of the operation.
async fn asked(bridge: &TestBridge) -> BTreeMap<String, u64> {
    let page = bridge.metrics().await;
    let counts = page.lines().filter_map(|line| {
        let (_, labels) = line.split_once("store_operation_seconds_count{")?;
        let (labels, count) = labels.split_once("} ")?;
        let operation = labels.split("operation=\"").nth(1)?.split('"').next()?;
        let of_documents = labels.contains(&format!("\"{}\"", bridge.engine.name()));
        of_documents.then_some((operation.to_owned(), count.parse().ok()?))
    });
    counts.collect()
}

/// Each of these is a journey to the server over MongoDB, and a share of an fsync in the file.
#[tokio::test]
async fn a_result_asks_the_store_for_little() {
    const RESULTS: u64 = 200;
    let bridge = TestBridge::start().await;
    let sessions: Vec<String> = (0..RESULTS).map(|n| format!("call_{n:03}")).collect();
    let before = asked(&bridge).await;
    deliver(&bridge, &sessions).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(bridge.app.relay.clone().run(stop.clone()));
    assert!(eventually(DEADLINE, || are_settled(&bridge, &sessions)).await);
    stop.cancel();
    running.await.unwrap();
    bridge.app.herald.tell_all().await.unwrap();
    let after = asked(&bridge).await;
    let of = |operation: &str| after.get(operation).unwrap_or(&0) - before.get(operation).unwrap_or(&0);
    // Itself, and a few digests whose place another call of the same moment has: the clock stands still.
    assert!((RESULTS..RESULTS * 5 / 4).contains(&of("insert")), "{}", of("insert"));
    assert!(of("get") < RESULTS * 5 / 4, "who may speak for it is looked at: {}", of("get"));
    for operation in
        ["find_one_and_update", "insert_many", "update_many", "update_in_turn", "compare_and_set"]
    {
        assert!(of(operation) < RESULTS / 2, "{operation}: {}", of(operation));
    }
}

/// A call that has its digest from memory is not made into another one meanwhile, and one that nobody took from there is.
#[tokio::test]
async fn what_nobody_took_is_found_in_the_store() {
    let bridge = TestBridge::start().await;
    deliver(&bridge, &["call_1".into(), "call_2".into()]).await;
    let taken = bridge.app.relay.fresh.take(1);
    assert_eq!(
        (bridge.app.digester.round().await.unwrap(), bridge.app.relay.move_all().await.unwrap()),
        (1, 1)
    );
    assert!(!is_settled(&bridge, &taken[0].id).await);
    bridge.app.relay.fresh.let_go(&taken);
    assert_eq!(
        (bridge.app.digester.round().await.unwrap(), bridge.app.relay.move_all().await.unwrap()),
        (1, 1)
    );
    assert!(is_settled(&bridge, &taken[0].id).await);
}

#[tokio::test]
async fn what_changed_since_it_was_handed_over_is_made_anew() {
    let bridge = TestBridge::start().await;
    let stop = CancellationToken::new();
    bridge.deliver(&result("call_1", "worker_lost")).await;
    bridge.deliver(&result("call_2", "customer")).await;
    // Something else has something to follow, and another has its digest due anew.
    let (_, call) = document(&bridge, "call_1").await;
    let (mut outbox, mut due) =
        (call["outbox"].clone(), document(&bridge, "call_2").await.1["digest"].clone());
    outbox["mark"] = "another".into();
    bridge.damage(&CALLS, "call_1", "outbox", outbox).await;
    due["mark"] = json!(77);
    bridge.damage(&CALLS, "call_2", "digest", due).await;
    let fresh = bridge.app.relay.fresh.take(9);
    bridge.app.digester.digest(&fresh).await.unwrap();
    bridge.app.stores.all_calls().settle(&fresh).await.unwrap();
    let left = |body: Value| (body["outbox"].is_object(), body["digest"].is_object());
    assert_eq!(left(document(&bridge, "call_1").await.1), (true, false), "its digest is made");
    assert_eq!(left(document(&bridge, "call_2").await.1), (false, true));
    bridge.app.relay.fresh.let_go(&fresh);

    // And a guess whose place the worker's own word takes, both in memory.
    bridge.deliver(&result("call_3", "worker_lost")).await;
    bridge.deliver(&result("call_3", "customer")).await;
    let running = tokio::spawn(bridge.app.relay.clone().run(stop.clone()));
    assert!(eventually(DEADLINE, || is_settled(&bridge, "call_3")).await);
    stop.cancel();
    running.await.unwrap();
    let digest = digest_of(&bridge, "call_3").await.value;
    assert!(digest.words.0.contains(&"=end:customer".to_owned()), "{:?}", digest.words);
    assert_eq!(ended(&bridge).await.iter().filter(|call| *call == "call_3").count(), 2, "both are told");
}

#[tokio::test]
async fn whoever_is_killed_meanwhile_leaves_it_to_the_store() {
    let bridge = TestBridge::start().await;
    let other = bridge.second_app().await;
    let (mut random, mut sessions) = (StdRng::seed_from_u64(8), Vec::new());
    for round in 0..40 {
        let some: Vec<String> = (0..5).map(|n| format!("call_{round:02}_{n}")).collect();
        deliver(&bridge, &some).await;
        sessions.extend(some);
        // As after a kill: it knows nothing of what the one before had in hand.
        let fresh = bridge.app.relay.fresh.take(9);
        bridge.app.relay.fresh.let_go(&fresh);
        let relay = bridge.app.relay.clone();
        let handed_over = relay.clone();
        fresh.into_iter().for_each(|call| handed_over.hand_over(call));
        let time = Duration::from_micros(random.random_range(50..30_000));
        let _ = tokio::time::timeout(time, relay.run(CancellationToken::new())).await;
        let in_hand: Vec<_> = sessions.iter().filter(|id| bridge.app.relay.fresh.holds(id)).collect();
        let mut gone = Vec::new();
        for id in in_hand {
            gone.extend(bridge.app.stores.all_calls().find_call(&id.parse().unwrap()).await.unwrap());
        }
        bridge.app.relay.fresh.let_go(&gone);
    }
    while other.relay.move_all().await.unwrap() > 0 {}
    while other.digester.round().await.unwrap() > 0 {}
    assert!(are_settled(&bridge, &sessions).await);
    assert_eq!(ended(&bridge).await, sessions, "each once");
    for session in &sessions {
        digest_of(&bridge, session).await;
    }
}
