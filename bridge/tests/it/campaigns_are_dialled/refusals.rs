//! A carrier that answers 403: to one callee it is the number's matter, to several the carrier's own.

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::store::contacts::ContactStatus;
use vox_shared::wire::dialler::attempt::Ending;

use super::floor::Floor;
use crate::harness::json;

const MANY: u32 = 3;

pub async fn asked(floor: &Floor, path: &str) -> Value {
    let token = floor.bridge.token(Role::Admin).await;
    let asked = floor.bridge.get(path).bearer_auth(token).send().await.unwrap();
    json(asked, StatusCode::OK).await
}

async fn refuses(floor: &Floor) -> Value {
    asked(floor, "/api/v1/carriers").await["items"][0]["refuses"].take()
}

/// Events that tell of it.
async fn told(floor: &Floor) -> Vec<Value> {
    floor.bridge.app.herald.tell_all().await.unwrap();
    let events = asked(floor, "/api/v1/events?limit=100").await;
    let events = events["items"].as_array().unwrap().iter();
    events.filter(|event| event["event"] == "carrier.refuses_calls").cloned().collect()
}

#[tokio::test]
async fn a_number_that_is_refused_twice_is_stopped_and_nobody_is_told() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &["+919876540000"]).await;
    for _ in 0..2 {
        floor.ring(&campaign, &contact, Ending::Forbidden).await;
        floor.pass(SignedDuration::from_mins(50));
    }
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.reason.as_deref()), (ContactStatus::Done, Some("forbidden")));
    assert_eq!((refuses(&floor).await, told(&floor).await.len()), (Value::Null, 0));
}

#[tokio::test]
async fn three_callees_whom_a_carrier_refuses_are_told_of_and_none_of_their_numbers_is_stopped() {
    let floor = Floor::start().await;
    let campaigns = [floor.campaign(json!({})).await, floor.campaign(json!({})).await];
    let mut people = Vec::new();
    for n in 0..MANY {
        let campaign = &campaigns[usize::from(n == 0)];
        let contact = floor.contact(campaign, &[&format!("+91987654{n:04}")]).await;
        floor.ring(campaign, &contact, Ending::Forbidden).await;
        people.push((campaign, contact));
    }
    let seen = refuses(&floor).await;
    assert_eq!(seen["callees"], MANY);
    let events = told(&floor).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["data"]["callees"], &events[0]["data"]["since"]), (&json!(MANY), &seen["since"]));
    assert!(!events[0].to_string().contains("987654"), "it names no number: {events:?}");
    floor.pass(SignedDuration::from_mins(25));
    for (campaign, contact) in &people {
        floor.ring(campaign, contact, Ending::Forbidden).await;
        let known = floor.read(contact).await;
        assert_eq!((known.status, known.counted), (ContactStatus::Ready, 0), "it is not their fault");
        assert!(known.numbers[0].stopped.is_none());
    }
    assert_eq!(told(&floor).await.len(), 1, "once");
    assert!(floor.bridge.metrics().await.contains("campaign_carriers_refusing_total 1"));
    floor.pass(SignedDuration::from_mins(61));
    assert_eq!(refuses(&floor).await, Value::Null);
}
