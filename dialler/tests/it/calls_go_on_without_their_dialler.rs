//! A dialler that ends leaves running calls alone, and the next one sees them to their end; what still rings is taken back.

use serde_json::json;
use vox_testkit::exchange::callees::{Class, Fate, Side};
use vox_testkit::exchange::journal::{How, What};

use crate::harness::{World, number};

#[tokio::test]
async fn what_talks_goes_on_with_the_next_dialler_and_what_rings_is_taken_back() {
    let talks =
        Fate::Answered { after_ms: 1_000, class: Class::Human, talk_ms: 200_000, hangs_up: Side::Callee };
    let world = World::start(&[talks, Fate::RingsOut], false).await;
    let one = world.dialler();
    // The other rings for as long as it may: it must still ring when the first one talks.
    let campaign = world.campaign_set(2, json!({"ring_secs": 75})).await;
    world
        .eventually("one talks and one rings", async || {
            let attempts = world.attempts(&campaign).await;
            let stage = |n| attempts.get(&number(n)).map(|attempt| attempt["stage"].clone());
            let talks = stage(0).is_some_and(|stage| stage == "live");
            (talks && world.invited().contains(&number(1))).then_some(())
        })
        .await;
    one.end().await;
    let ended = |how: How| {
        let lines = world.exchange.journal().lines();
        lines
            .iter()
            .filter(|line| matches!(&line.what, What::Ended { how: ended, .. } if *ended == how))
            .count()
    };
    assert_eq!(
        (ended(How::Cancelled), ended(How::HungUp)),
        (1, 0),
        "what rang was taken back, and nothing else"
    );
    let two = world.dialler();
    world
        .eventually("the next dialler has the call", async || {
            two.desk.metrics.page().contains("dialler_calls_adopted_total 1").then_some(())
        })
        .await;
    world
        .eventually("the call has a result", async || {
            let attempts = world.attempts(&campaign).await;
            attempts[&number(0)]["result"].is_string().then_some(())
        })
        .await;
    assert_eq!((ended(How::CalleeHungUp), ended(How::HungUp)), (1, 0), "it was not cut");
    let attempts = world.attempts(&campaign).await;
    assert_eq!(attempts[&number(0)]["result"], "done", "{}", attempts[&number(0)]);
    assert_eq!(world.invited().iter().filter(|invited| **invited == number(0)).count(), 1);
    two.end().await;
    world.end().await;
}
