//! Every event has a place in its tenant's order that everybody sees alike: who asks with a cursor, and who follows the stream.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::scope::Scope;
use vox_bridge::jobs::janitor::sweep;
use vox_bridge::store::engine::Order;
use vox_bridge::store::events::EVENTS;
use vox_shared::model::bot::BotSettings;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, result};

const SOON: Duration = Duration::from_secs(20);

async fn end_calls(bridge: &TestBridge, bot: &str, sessions: std::ops::Range<usize>) {
    for n in sessions {
        let mut ended = result(&format!("call_{n:03}"), "customer");
        ended["bot_id"] = json!(bot);
        assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    }
    bridge.app.relay.move_all().await.unwrap();
}

/// All events, page by page.
async fn all(bridge: &TestBridge, key: &TestKey) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let page = key.reads(bridge, &format!("/api/v1/events?limit=7&cursor={cursor}")).await;
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        let next = page["next_cursor"].as_str().unwrap().to_owned();
        if next == cursor {
            return found;
        }
        cursor = next;
    }
}

fn seqs(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn events_have_one_order_however_many_tell_of_them() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::EventsRead]).await;
    end_calls(&bridge, "faq", 0..40).await;
    assert_eq!(all(&bridge, &key).await, Vec::<Value>::new(), "nobody told of them yet");
    let heralds = (0..4).map(|_| {
        let herald = bridge.app.herald.clone();
        tokio::spawn(async move { herald.tell_all().await.unwrap() })
    });
    for herald in heralds.collect::<Vec<_>>() {
        herald.await.unwrap();
    }
    let first = all(&bridge, &key).await;
    let order = seqs(&first);
    assert!(order.len() == 40 && order.windows(2).all(|two| two[0] < two[1]), "{order:?}");
    assert_eq!(bridge.app.herald.tell_all().await.unwrap(), 0);

    // What is older than 30 days goes, and the order goes on behind it.
    bridge.clock.advance(SignedDuration::from_hours(31 * 24));
    end_calls(&bridge, "faq", 40..41).await;
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap().gone, 40);
    bridge.app.herald.tell_all().await.unwrap();
    let rest = seqs(&all(&bridge, &key).await);
    assert!(rest.len() == 1 && rest[0] > *order.last().unwrap(), "{rest:?}");
}

#[tokio::test]
async fn a_damaged_event_stops_none_that_come_after_it() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::EventsRead]).await;
    end_calls(&bridge, "faq", 0..1).await;
    bridge.app.herald.tell_all().await.unwrap();
    let told = all(&bridge, &key).await;
    bridge.damage(&EVENTS, told[0]["id"].as_str().unwrap(), "data", json!("no object")).await;
    end_calls(&bridge, "faq", 1..2).await;
    bridge.app.herald.tell_all().await.unwrap();
    let rest = seqs(&all(&bridge, &key).await);
    assert!(rest.len() == 1 && rest[0] > seqs(&told)[0], "{rest:?} after {told:?}");
}

#[tokio::test]
async fn events_of_other_bots_and_tenants_are_not_told() {
    let bridge = TestBridge::start().await;
    let own = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    end_calls(&bridge, own.as_str(), 0..2).await;
    end_calls(&bridge, "faq", 2..5).await;
    bridge.app.herald.tell_all().await.unwrap();
    let limited =
        bridge.insert_key(&bridge.tenant(), &[Scope::EventsRead], |key| key.bots = Some(vec![own])).await;
    let seen = all(&bridge, &limited).await;
    let calls: Vec<&str> = seen.iter().map(|event| event["call_id"].as_str().unwrap()).collect();
    assert!(calls.len() == 2 && calls.contains(&"call_000") && calls.contains(&"call_001"), "{calls:?}");
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.insert_key(&other, &[Scope::EventsRead], |_| {}).await;
    assert_eq!(all(&bridge, &stranger).await, Vec::<Value>::new());
    let bad = limited.sign(bridge.get("/api/v1/events?cursor=x")).send().await.unwrap();
    assert_eq!(refusal(bad, StatusCode::BAD_REQUEST).await, "bad_cursor");
}

/// A tenant whose next place in the order is taken by an event that has none, and more than a page of events that make no sense:
/// both as only damage makes them, and both stand before the others.
#[tokio::test]
async fn events_that_cannot_be_told_keep_no_other_from_its_turn() {
    const BROKEN: usize = 110;
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::EventsRead]).await;
    let failing = bridge.insert_tenant("a_first").await;
    let theirs = bridge.insert_bot(&failing, BotSettings::default()).await;
    end_calls(&bridge, theirs.as_str(), 0..2).await;
    let events = bridge.app.stores.events(&failing).list_events(Order::Ascending, 10, None).await.unwrap();
    let in_the_way = &events.items[0].id;
    bridge.damage(&EVENTS, in_the_way, "fresh_since", Value::Null).await;
    bridge.damage(&EVENTS, in_the_way, "follows", json!(format!("{failing}/0"))).await;
    end_calls(&bridge, "faq", 2..2 + BROKEN).await;
    let page = async |limit| bridge.app.stores.all_events().list_fresh(limit, None).await;
    for event in page(500).await.unwrap().items {
        if event.value.tenant_id != failing {
            bridge.damage(&EVENTS, &event.id, "data", 7.into()).await;
        }
    }
    bridge.clock.advance(SignedDuration::from_secs(1));
    end_calls(&bridge, "faq", 200..203).await;
    assert_eq!(bridge.app.herald.tell_all().await.unwrap(), 3);
    assert_eq!(all(&bridge, &key).await.len(), 3);
    assert_eq!(page(500).await.unwrap().items.len(), 1, "theirs waits still");
}

/// Read the stream until so many events came.
async fn follow(bridge: &TestBridge, key: &TestKey, last: Option<i64>, many: usize) -> Vec<Value> {
    let mut request = key.sign(bridge.get("/api/v1/events/stream"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let complete = async {
        while text.matches("data: ").count() < many || !text.ends_with("\n\n") {
            text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    timeout(SOON, complete).await.expect("events come");
    let events: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    for event in &events {
        assert!(text.contains(&format!("id: {}\nevent: call.ended\n", event["seq"])), "{text}");
    }
    events
}

#[tokio::test]
async fn events_are_followed_and_resumed_where_a_client_was() {
    let bridge = TestBridge::start().await;
    let (key, stop) = (bridge.key(&[Scope::EventsRead]).await, CancellationToken::new());
    let _stops = stop.clone().drop_guard();
    end_calls(&bridge, "faq", 0..1).await;
    bridge.app.herald.tell_all().await.unwrap();
    let ending = async {
        end_calls(&bridge, "faq", 1..4).await;
        tokio::spawn(bridge.app.herald.clone().run(stop));
    };
    // It may begin before or after the calls end: the one before is the first.
    let before = seqs(&all(&bridge, &key).await)[0];
    let (live, ()) = tokio::join!(follow(&bridge, &key, Some(before - 1), 4), ending);
    let live = seqs(&live);
    assert_eq!(live, seqs(&all(&bridge, &key).await));
    let rest = seqs(&follow(&bridge, &key, Some(live[1]), 2).await);
    assert_eq!(rest, live[2..]);
    let bad =
        key.sign(bridge.get("/api/v1/events/stream")).header("last-event-id", "x").send().await.unwrap();
    assert_eq!(json(bad, StatusCode::BAD_REQUEST).await["error"]["code"], "bad_event_id");
}
