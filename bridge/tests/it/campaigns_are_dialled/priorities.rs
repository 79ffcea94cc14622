//! Lists with hundreds of priorities.

use jiff::SignedDuration;
use serde_json::json;
use vox_bridge::store::contacts::{Class, Contact};

use super::floor::Floor;

/// Operations of the store so far.
async fn operations(floor: &Floor) -> u64 {
    let metrics = floor.bridge.metrics().await;
    let counts = metrics.lines().filter(|line| line.starts_with("store_operation_seconds_count"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Each of them cost a read or two, with each look at a partition.
#[tokio::test]
async fn they_are_read_in_their_order_and_not_one_by_one() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let (now, later) = (floor.now(), floor.now() + SignedDuration::from_hours(1));
    for prio in 0..90 {
        let number = format!("+91987650{prio:04}");
        let next_at = if prio % 3 == 0 { later } else { now };
        let change = |contact: &mut Contact| {
            contact.prio = prio;
            contact.ready(Class::Fresh, next_at);
        };
        floor.contact_with(&campaign, &[&number], change).await;
    }
    let contacts = floor.bridge.app.stores.contacts(&floor.bridge.tenant());
    let before = operations(&floor).await;
    let due = contacts.due((&campaign, 0), now, 200).await.unwrap();
    let cost = operations(&floor).await - before;
    let prios: Vec<u32> = due.iter().map(|contact| contact.value.prio).collect();
    assert_eq!(prios, (0..90).rev().filter(|prio| prio % 3 != 0).collect::<Vec<u32>>());
    assert!(cost <= 40, "{cost} reads");
    let first = contacts.due((&campaign, 0), now, 3).await.unwrap();
    assert_eq!(first.iter().map(|contact| contact.value.prio).collect::<Vec<_>>(), [89, 88, 86]);
}
